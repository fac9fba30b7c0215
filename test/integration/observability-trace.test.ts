import { io } from "socket.io-client";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { JoinAck, RelayAck } from "../../common/protocol.ts";
import { until } from "../support/poll.ts";
import { startStack, type TestStack } from "../support/stack.ts";

let stack: TestStack;
beforeAll(async () => {
  stack = await startStack({ count: 1 });
});
afterAll(() => stack?.[Symbol.asyncDispose]());

test("a correlation id leads from a client's refusal to the replica's log; the client cannot choose it", async () => {
  const socket = io(`${stack.proxy.url}/signaling`, {
    transports: ["websocket"],
    forceNew: true,
    extraHeaders: { "x-request-id": "forged" },
  });
  await until("connected", () => socket.connected);
  const joined: JoinAck = await socket.emitWithAck("join", "traced", {});
  expect(joined.ok).toBe(true);
  const refused: RelayAck = await socket.emitWithAck("offer", { roomId: "elsewhere" });
  if (refused.ok) throw new Error("a relay into a room that was not joined must be refused");
  const { traceId } = refused.error;
  expect(traceId).toMatch(/^[\w-]{16,}$/);
  const line = await until("the replica's line of the join", () =>
    stack.replicas[0]?.program
      .output()
      .split("\n")
      .find((text) => text.includes('"room":"traced"')),
  );
  expect(JSON.parse(line)).toMatchObject({ traceId, service: "signaling", node: "signaling-1", room: "traced" });
  socket.disconnect();
});
