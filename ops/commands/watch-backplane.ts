import { escapeLine } from "../../common/printable.ts";
import type { Command } from "../command.ts";
import { type BackplaneEvent, parseCsvMessage, readMessage } from "../logs/backplane-messages.ts";
import { redisMaster, redisOf } from "../redis/failover.ts";
import { CannotError } from "../stack/engine.ts";
import { pause } from "../wait/pause.ts";

/** A replica without a heartbeat for this time has fallen silent, ms. A heartbeat comes every second. */
const silentAfterMs = 2_500;

/** Follows the replicas' messages through Redis until it is interrupted. */
export const watchBackplane: Command = {
  usage: "",
  summary: "print each message between the replicas through Redis",
  needsStack: true,
  follows: true,
  async run({ stack, print, signal }) {
    if ((await redisOf(stack.engine)) === "nats")
      throw new CannotError("watch-backplane reads Redis, and this stack has NATS: make logs SERVICE=nats");
    const heardAt = new Map<string, number>();
    const clock = () => new Date().toISOString().slice(11, 23);
    const silence = setInterval(() => {
      for (const [node, at] of heardAt)
        if (performance.now() - at > silentAfterMs) {
          heardAt.delete(node);
          print(`${clock()}  ${node} fell silent: no heartbeat for ${silentAfterMs / 1000} s`);
        }
    }, 250);
    print("PSUBSCRIBE * (Ctrl-C ends it); canaries show only when a replica is first heard or falls silent");
    try {
      while (!signal.aborted) {
        const server = await redisMaster(stack.engine);
        for await (const line of stack.engine.redisCli(["--csv", "PSUBSCRIBE", "*"], signal, server)) {
          const message = parseCsvMessage(line);
          if (message === undefined) continue;
          const event = readMessage(message);
          if (event.kind === "heartbeat") {
            if (!heardAt.has(event.node)) print(`${clock()}  ${event.node} is heard: one heartbeat a second`);
            heardAt.set(event.node, performance.now());
          } else print(`${clock()}  ${describe(event)}`);
        }
        if (!signal.aborted) print(`${clock()}  Redis does not answer: trying again in a second`);
        await pause(1_000, signal);
      }
    } finally {
      clearInterval(silence);
    }
    return 0;
  },
};

function describe({ room, what, bytes, channel }: Exclude<BackplaneEvent, { kind: "heartbeat" }>): string {
  return `${escapeLine(room === undefined ? channel : `room ${room}`).padEnd(30)} ${what.padEnd(14)} ${bytes} bytes`;
}
