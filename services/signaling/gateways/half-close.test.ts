import { PassThrough } from "node:stream";
import { expect, test } from "vitest";
import type { WebSocket } from "ws";
import type { Log } from "../../../common/log.ts";
import { createHalfClose } from "./half-close.ts";

/** A connection of `ws` as the hold sees it; `ended` counts how often `ws` has ended the other side. */
function connection(name: string) {
  const socket = new PassThrough({ autoDestroy: false });
  let ended = 0;
  const listener = () => {
    ended += 1;
  };
  socket.on("end", Object.defineProperty(listener, "name", { value: name })).resume();
  const webSocket = { _socket: socket, readyState: 1, OPEN: 1 } as unknown as WebSocket;
  const endsInput = () => new Promise((resolve) => socket.once("end", () => setImmediate(resolve)).end());
  return { webSocket, endsInput, ended: () => ended };
}
const warnings: string[] = [];
const log = { warn: (message: string) => warnings.push(message) } as unknown as Log;

test("held: the other side ends when its leave says so", async () => {
  const one = connection("socketOnEnd");
  const { promise, resolve } = Promise.withResolvers<void>();
  createHalfClose({ mode: "hold", log })(one.webSocket, {}, () => promise);
  await one.endsInput();
  expect(one.ended()).toBe(0);
  resolve();
  await promise;
  expect(one.ended()).toBe(1);
});

test("HALF_CLOSE=end: ws ends the other side itself, and nobody is asked", async () => {
  const one = connection("socketOnEnd");
  createHalfClose({ mode: "end", log })(one.webSocket, {}, () => expect.unreachable());
  await one.endsInput();
  expect([one.ended(), warnings]).toEqual([1, []]);
});

test("where ws is built differently it goes on as it does, and that is said once", async () => {
  const hold = createHalfClose({ mode: "hold", log });
  for (const one of [connection("another"), connection("another")]) {
    hold(one.webSocket, {}, () => expect.unreachable());
    await one.endsInput();
    expect(one.ended()).toBe(1);
  }
  expect(warnings).toEqual([expect.stringMatching(/^ws listens elsewhere/)]);
});
