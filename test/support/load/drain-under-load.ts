import { monitorEventLoopDelay } from "node:perf_hooks";
import { setTimeout as delay } from "node:timers/promises";
import { io } from "socket.io-client";
import { expect } from "vitest";
import type { JoinAck, RelayAck } from "../../../common/protocol.ts";
import { startBackplaneServer, type Variant } from "../backplane/backplane-server.ts";
import { until } from "../poll.ts";
import { startProxyProgram } from "../proxy.ts";
import { startReplica } from "../replica.ts";
import { connectSocketIo, joinRoom } from "../signal-peer.ts";

/**
 * Drains one of two replicas by SIGTERM while every call has a sender on the other: paced, everyone is back, no
 * acknowledged signal is lost, exit 0.
 *
 * @param calls each has a sender, and two peers on the replica that is drained
 * @param perSecond sockets that the drain closes per second
 * @param everyMs interval of each sender's signals, ms
 * @param proxies true: the receivers are behind one of two proxies, which ends by SIGTERM in place of the replica
 */
export async function drainUnderLoad(
  variant: Variant,
  {
    calls: count,
    perSecond,
    everyMs = 500,
    proxies = false,
  }: { calls: number; perSecond: number; everyMs?: number; proxies?: boolean },
): Promise<void> {
  await using server = await startBackplaneServer(variant);
  // On a busy machine the overload guard would refuse some of the joins. This test does not cover it.
  const env = {
    ...server.env,
    DRAIN_PER_SECOND: String(perSecond),
    AWAY_GRACE_MS: "60000",
    OVERLOAD_LAG_MS: "60000",
    // All peers have one address.
    CLIENT_JOIN_BURST: "10000",
    CLIENT_JOINS_PER_SECOND: "10000",
  };
  const one = await startReplica("signaling-1", server.url, env);
  await using _one = one.program;
  const two = await startReplica("signaling-2", server.url, env);
  await using _two = two.program;
  const behind = [one, two].map(({ nodeId, port, adminPort }) => ({ id: nodeId, port, readyPort: adminPort }));
  await using first = proxies ? await startProxyProgram(behind, { PROXIES: "2" }) : undefined;
  await using second = proxies ? await startProxyProgram(behind, { PROXIES: "2" }) : undefined;
  const from = first ?? one;
  const to = second ?? two;

  const senders = await inBatches(count, async (at) => joinRoom(await connectSocketIo(two.url), `call-${at}`));
  /** Received numbers by call, over all sockets of the receiver. */
  const received = Array.from({ length: count }, () => new Set<number>());
  const reconnects: number[] = [];
  let back = 0;
  const movers = await inBatches(count * 2, async (at) => {
    // Two peers of each call are on the drained replica, or behind the proxy that ends.
    const room = `call-${at % count}`;
    let resume: string | undefined;
    let url = from.url;
    const open = () => {
      const socket = io(`${url}/signaling`, { transports: ["websocket"], forceNew: true, reconnection: false });
      socket.on("candidate", (signal: { number: number }) => {
        if (at < count) received[at]?.add(signal.number);
      });
      const { promise, resolve, reject } = Promise.withResolvers<{ peerId: string }>();
      socket.on("connect", () => {
        socket.emit("join", room, resume === undefined ? {} : { resume }, (ack: JoinAck) => {
          if (!ack.ok) return reject(new Error(ack.error.message));
          resume = ack.resume;
          resolve(ack);
        });
      });
      socket.once("disconnect", (reason) => {
        if (reason === "io client disconnect") return;
        reconnects.push(performance.now());
        url = to.url;
        open().joined.then(
          () => {
            back += 1;
          },
          () => undefined,
        );
      });
      return { joined: promise, socket };
    };
    return open().joined;
  });
  await until("the replicas know all", async () => {
    const rooms = await Promise.all(
      [0, count - 1].map(async (at) => (await fetch(`${two.adminUrl}/rooms/call-${at}`)).json()),
    );
    return rooms.every((room) => (room as { members: unknown[] }).members.length === 3);
  });

  // In every call numbered signals go to the first peer that moves. A signal acknowledged with `away` is sent again on
  // peer-joined.
  const acknowledged = Array.from({ length: count }, () => new Set<number>());
  let refusals = 0;
  let sending = true;
  const load = senders.map(async (sender, at) => {
    const addressee = movers[at]?.peerId ?? "";
    const again: number[] = [];
    // With a callback, because a promise continues too late if `peer-joined` comes in the same read as the ack.
    const send = (number: number) =>
      new Promise<void>((resolve) => {
        sender.socket.emit("candidate", { roomId: `call-${at}`, to: addressee, number }, (ack: RelayAck) => {
          if (!ack.ok) refusals += 1;
          else if (ack.away === undefined) acknowledged[at]?.add(number);
          else again.push(number);
          resolve();
        });
      });
    sender.socket.on("peer-joined", ({ peerId }: { peerId: string }) => {
      if (peerId === addressee) for (const number of again.splice(0)) void send(number);
    });
    for (let number = 0; sending; number += 1) {
      await send(number);
      await delay(everyMs);
    }
    await until("nothing waits", () => again.length === 0);
  });

  await until("the load runs", () => received.every((numbers) => numbers.size > 0), { withinMs: 20_000 });
  const lag = monitorEventLoopDelay({ resolution: 10 });
  lag.enable();
  from.program.kill("SIGTERM");
  expect(await from.program.exited, from.program.output().slice(-1_000)).toBe(0);
  await until("everyone is back", () => back === count * 2, { withinMs: 10_000 });
  lag.disable();
  sending = false;
  await Promise.all(load);
  const missing = () =>
    acknowledged.reduce((sum, numbers, at) => sum + [...numbers].filter((one) => !received[at]?.has(one)).length, 0);
  await until("what was acknowledged arrived", () => missing() === 0);
  const lost = missing();
  const total = acknowledged.reduce((sum, numbers) => sum + numbers.size, 0);
  const peak = Math.max(...reconnects.map((from) => reconnects.filter((at) => at >= from && at < from + 1_000).length));
  process.stdout.write(
    `${proxies ? "a proxy ends" : "drain"} on ${variant}: ${total} acknowledged, ${lost} lost, ${refusals} refused, peak ${peak}/s, this process late by ${Math.round(lag.max / 1e6)} ms at most\n`,
  );
  for (const sender of senders) sender.close();
  expect(lost).toBe(0);
  expect(refusals).toBe(0);
  if (proxies) return;
  // Reconnects that come while this process stands still are counted at one moment.
  expect(peak).toBeLessThanOrEqual(perSecond * (1.2 + lag.max / 1e9));
}

async function inBatches<T>(count: number, make: (at: number) => Promise<T>): Promise<T[]> {
  const made: T[] = [];
  for (let at = 0; at < count; at += 50)
    made.push(...(await Promise.all(Array.from({ length: Math.min(50, count - at) }, (_, step) => make(at + step)))));
  return made;
}
