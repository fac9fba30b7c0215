import { randomUUID } from "node:crypto";
import { until } from "../poll.ts";
import { connectSocketIo, type JoinedPeer, joinRoom, type SocketIoPeer } from "../signal-peer.ts";

/** Two peers of a room, on different replicas. */
export interface Pair {
  room: string;
  a: JoinedPeer<SocketIoPeer>;
  b: JoinedPeer<SocketIoPeer>;
}

/** Joins `count` pairs in rooms of their own, spread over the replicas at `urls`. */
export async function joinPairs(urls: readonly string[], count: number): Promise<Pair[]> {
  const pairs: Pair[] = [];
  for (let n = 0; n < count; n += 1) {
    const room = randomUUID();
    const on = async (index: number) => joinRoom(await connectSocketIo(urls[index % urls.length] ?? ""), room);
    pairs.push({ room, a: await on(n), b: await on(n + 1) });
  }
  return pairs;
}

/** Resolves when in each room a signal has reached the other peer, both ways. */
export async function expectNoneDeaf(pairs: readonly Pair[]): Promise<void> {
  for (const { room, a, b } of pairs)
    for (const [from, to] of [
      [a, b],
      [b, a],
    ] as const) {
      const mark = randomUUID();
      await until("it arrives", async () => {
        await from.send("offer", { roomId: room, mark });
        return to.got("offer").some((offer) => offer["mark"] === mark);
      });
    }
}

export function closePairs(pairs: readonly Pair[]): void {
  for (const { a, b } of pairs) for (const peer of [a, b]) peer.close();
}
