import { setImmediate } from "node:timers/promises";
import { expect, test } from "vitest";
import { createConnectQueue } from "./connect-queue.ts";

test("64 requests are handed to a replica at once; clients take turns for the places that they leave", async () => {
  const queue = createConnectQueue({ ipv6Prefix: 64, onProgress: () => undefined });
  const entered: string[] = [];
  const enter = (client: string) => {
    const place = queue.enter("signaling-1", client);
    if (place === undefined) entered.push(client);
    else void place.then(() => entered.push(client));
  };
  for (let index = 0; index < 100; index++) enter("many");
  enter("one");
  expect(entered).toHaveLength(64);
  queue.leave("signaling-1");
  queue.leave("signaling-1");
  expect(entered).toHaveLength(64);
  await setImmediate();
  expect(entered.slice(64)).toEqual(["many", "one"]);
});

test("a replica with many waiting requests does not hold up another", () => {
  const queue = createConnectQueue({ ipv6Prefix: 64, onProgress: () => undefined });
  for (let index = 0; index < 100; index++) void queue.enter("signaling-1", "many");
  expect(queue.enter("signaling-2", "one")).toBeUndefined();
});

test("all places are free again when all have left", async () => {
  const queue = createConnectQueue({ ipv6Prefix: 64, onProgress: () => undefined });
  const places = Array.from({ length: 200 }, async () => {
    await queue.enter("signaling-1", "client");
    queue.leave("signaling-1");
  });
  await Promise.all(places);
  expect(Array.from({ length: 64 }, () => queue.enter("signaling-1", "client"))).toEqual(Array(64).fill(undefined));
});

test("a client with 64 waiting requests is crowded until some of them have gone on", async () => {
  let progress = 0;
  const queue = createConnectQueue({
    ipv6Prefix: 64,
    onProgress: () => {
      progress += 1;
    },
  });
  for (let index = 0; index < 64 + 63; index++) void queue.enter("signaling-1", "many");
  expect(queue.crowded.size).toBe(0);
  void queue.enter("signaling-1", "many");
  expect([[...queue.crowded], progress]).toEqual([["many"], 0]);
  queue.leave("signaling-1");
  await setImmediate();
  expect([queue.crowded.size, progress]).toEqual([0, 1]);
});
