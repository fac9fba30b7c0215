import { expect, test } from "vitest";
import type { BackplaneConnection } from "../backplane.ts";
import type { Carrier } from "../carrier.ts";
import { backplaneKey, createEnvelope } from "../envelope.ts";
import { createStreamLog, type StreamStore } from "./stream-log.ts";

/** A stream at a server that takes appends by `take`, with a replica that has read none of them yet. */
function openLog() {
  let take: () => Promise<unknown> = async () => "1-0";
  let isConnected = true;
  const carrier = {
    reconnector: { connection: () => (isConnected ? {} : undefined) },
    drop: () => undefined,
  } as unknown as Carrier<BackplaneConnection>;
  const streamLog = createStreamLog<BackplaneConnection>({
    store: { append: () => take() } as unknown as StreamStore<BackplaneConnection>,
    envelope: createEnvelope(backplaneKey({})),
    carrier: () => carrier,
    onEntry: () => undefined,
    onCanary: () => undefined,
  });
  /** Local delivery comes after each append, whatever becomes of it. */
  const delivered: string[] = [];
  const append = async (data: string) => {
    await Promise.allSettled([streamLog.append({ data })]);
    delivered.push(data);
  };
  return {
    append,
    delivered,
    refuse: () => {
      take = () => Promise.reject(new Error("READONLY You can't write against a read only replica."));
    },
    disconnect: () => {
      isConnected = false;
    },
  };
}

test("what the server took but nobody has read yet is delivered before what cannot be sent any more", async () => {
  const { append, delivered, disconnect } = openLog();
  const first = append("first");
  const second = append("second");
  disconnect();
  await Promise.all([first, second, append("third"), append("fourth")]);
  expect(delivered).toEqual(["first", "second", "third", "fourth"]);
});

test("… and before what the server refuses", async () => {
  const { append, delivered, refuse } = openLog();
  const first = append("first");
  refuse();
  await Promise.all([first, append("second"), append("third")]);
  expect(delivered).toEqual(["first", "second", "third"]);
});
