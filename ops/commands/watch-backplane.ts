import { errors } from "@nats-io/transport-node";
import { escapeLine } from "../../common/printable.ts";
import type { Command } from "../command.ts";
import { type BackplaneEvent, type CsvMessage, parseCsvMessage, readMessage } from "../logs/backplane-messages.ts";
import { isNats as isNatsServer } from "../nats/ids.ts";
import { natsMessages } from "../nats/messages.ts";
import { backplaneServersOf, redisMaster } from "../redis/failover.ts";
import { watchCluster } from "../redis/watch-cluster.ts";
import type { Engine } from "../stack/engine.ts";
import { pause } from "../wait/pause.ts";

/** A replica without a heartbeat for this time has fallen silent, ms. A heartbeat comes every second. */
const silentAfterMs = 2_500;

/** Follows the replicas' messages through Redis or NATS until it is interrupted. */
export const watchBackplane: Command = {
  usage: "",
  summary: "print each message between the replicas",
  needsStack: true,
  follows: true,
  async run({ stack, print, signal }) {
    const servers = await backplaneServersOf(stack.engine);
    if (servers === "cluster") {
      print("CLUSTER NODES, PUBSUB SHARDCHANNELS, once a second (Ctrl-C ends it); a line for each change");
      for await (const line of watchCluster(stack.engine, signal))
        print(`${new Date().toISOString().slice(11, 23)}  ${line}`);
      return 0;
    }
    const heardAt = new Map<string, number>();
    const clock = () => new Date().toISOString().slice(11, 23);
    const silence = setInterval(() => {
      for (const [node, at] of heardAt)
        if (performance.now() - at > silentAfterMs) {
          heardAt.delete(node);
          print(`${clock()}  ${node} fell silent: no heartbeat for ${silentAfterMs / 1000} s`);
        }
    }, 250);
    const isNats = servers === "nats";
    const typed = isNats ? "SUB hold-the-line.>" : "PSUBSCRIBE *";
    print(`${typed} (Ctrl-C ends it); canaries show only when a replica is first heard or falls silent`);
    try {
      while (!signal.aborted) {
        for await (const message of isNats ? fromNats(stack.engine, signal) : fromRedis(stack.engine, signal)) {
          const event = readMessage(message);
          if (event.kind === "heartbeat") {
            if (!heardAt.has(event.node)) print(`${clock()}  ${event.node} is heard: one heartbeat a second`);
            heardAt.set(event.node, performance.now());
          } else print(`${clock()}  ${describe(event)}`);
        }
        if (!signal.aborted)
          print(`${clock()}  ${isNats ? "NATS" : "Redis"} does not answer: trying again in a second`);
        await pause(1_000, signal);
      }
    } finally {
      clearInterval(silence);
    }
    return 0;
  },
};

async function* fromRedis(engine: Engine, signal: AbortSignal): AsyncGenerator<CsvMessage> {
  const server = await redisMaster(engine);
  for await (const line of engine.redisCli(["--csv", "PSUBSCRIBE", "*"], signal, server)) {
    const message = parseCsvMessage(line);
    if (message !== undefined) yield message;
  }
}

/** From the first server that answers; the servers of a cluster pass on what one subscribes to. */
async function* fromNats(engine: Engine, signal: AbortSignal): AsyncGenerator<CsvMessage> {
  for (const { id, state } of await engine.services()) {
    if (!isNatsServer(id) || state !== "running" || signal.aborted) continue;
    try {
      yield* natsMessages(engine.natsAccess(id), signal);
    } catch (error) {
      // The next one may answer. Without any, the caller says so and asks again.
      if (!isUnreachable(error)) throw error;
    }
  }
}

/** It is gone or cut off; a container that is off its network has no name there. */
function isUnreachable(error: unknown): boolean {
  const { ConnectionError, ClosedConnectionError, TimeoutError } = errors;
  return (
    [ConnectionError, ClosedConnectionError, TimeoutError].some((kind) => error instanceof kind) ||
    ["ENOTFOUND", "EAI_AGAIN"].includes((error as NodeJS.ErrnoException).code ?? "")
  );
}

function describe({ room, what, bytes, channel }: Exclude<BackplaneEvent, { kind: "heartbeat" }>): string {
  return `${escapeLine(room === undefined ? channel : `room ${room}`).padEnd(30)} ${what.padEnd(14)} ${bytes} bytes`;
}
