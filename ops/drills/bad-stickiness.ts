import type { CallerPeer } from "../../common/calls.ts";
import { allReady } from "./conditions.ts";
import { defineDrill } from "./define-drill.ts";
import { noMediaInterruption } from "./measures.ts";

/** Share of the peers of one transport that are in their rooms, in percent. */
function joined(peers: readonly CallerPeer[], transports: CallerPeer["transports"]): number {
  const all = peers.filter((peer) => peer.transports === transports);
  return (100 * all.filter(({ state }) => state === "joined").length) / all.length;
}

/** docs/drills.md, bad-stickiness. */
export const badStickiness = defineDrill({
  name: "bad-stickiness",
  claim: "Without stickiness long-polling fails for all to see, and WebSocket alone works.",
  engines: ["process", "compose"],
  calls: { calls: 20, mix: { default: 0, websocket: 1, polling: 1, cookieless: 0.25 } },
  undo: [{ do: "restart", id: "proxy" }, { do: "heal" }],
  async inject({ stack, typed }) {
    const done = await stack.engine.restart("proxy", { STICKY_KEY: "random" });
    typed(`STICKY_KEY=random; ${done.typed}`);
  },
  injected: async ({ calls }) => (await calls()).peers.every(({ socketsLost }) => socketsLost > 0),
  recovered: async (context) => (await allReady(context)) && joined((await context.calls()).peers, "websocket") === 100,
  deadlineMs: 20_000,
  expect: [
    {
      name: "WebSocket peers in their rooms",
      unit: "%",
      bound: { min: 100 },
      measure: ({ after }) => joined(after.peers, "websocket"),
    },
    {
      name: "long-polling peers in their rooms",
      unit: "%",
      bound: { max: 25 },
      measure: ({ after }) => joined(after.peers, "polling"),
    },
    noMediaInterruption,
  ],
  control: {
    off: "long-polling: all use WebSocket alone",
    calls: { mix: { default: 0, websocket: 1, polling: 0, cookieless: 0.25 } },
  },
  runbook: "ProxyUnknownSessions",
  dashboard: "Proxy",
  teaches: "A polling session is many requests, and only one replica knows it; a WebSocket is one connection.",
});
