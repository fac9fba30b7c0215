import type { Call, CallState } from "../../client/call.ts";
import { createFlow, readMediaStats } from "./media-stats.ts";
import { expose, logEvent, show, type Tone } from "./view.ts";

/** How often media is looked at, ms. */
const everyMs = 500;

const signalingTone: Record<CallState, Tone> = {
  idle: "calm",
  joining: "warn",
  calling: "good",
  connected: "good",
  "signaling-lost": "bad",
  ended: "calm",
};

/** Keeps the status strip true: signaling and its replica, ICE, connection, media, reconnects, last outage. */
export function keepStrip(call: Call): void {
  let reconnects = 0;
  let flow = createFlow();
  let shown: RTCPeerConnection | null = null;
  let lostAt: number | null = null;

  function showSignaling(): void {
    const state = call.state();
    const node = call.signaling.node();
    const word = state === "signaling-lost" ? "LOST" : call.signaling.state() === "joined" ? "joined" : state;
    show("signaling", word, signalingTone[state], { id: "node", text: node ?? "no replica" });
    expose("state", state);
    expose("node", node ?? "");
    expose("peer", call.signaling.peerId() ?? "");
  }

  call.on("state", showSignaling);
  call.signaling.on("joined", ({ node, outageMs }) => {
    lostAt = null;
    if (outageMs === null) logEvent(`joined on ${node}`, "good");
    else {
      reconnects += 1;
      show("reconnects", String(reconnects), "warn");
      show("outage", `${outageMs} ms`, outageMs > 5_000 ? "bad" : "good");
      expose("reconnects", reconnects);
      expose("outage", outageMs);
      logEvent(`joined again on ${node} after ${outageMs} ms`, "good");
    }
    showSignaling();
  });
  call.signaling.on("lost", ({ node, reason, at }) => {
    lostAt = at;
    logEvent(`signaling lost${node === null ? "" : ` on ${node}`}: ${reason}`, "bad");
    showSignaling();
  });

  function newest(): RTCPeerConnection | null {
    return [...call.links().values()].at(-1)?.connection ?? null;
  }

  setInterval(async () => {
    if (lostAt !== null) show("outage", `${((Date.now() - lostAt) / 1000).toFixed(1)} s …`, "bad");
    const connection = newest();
    if (connection !== shown) {
      shown = connection;
      flow = createFlow();
    }
    if (connection === null) {
      show("ice", "new", "calm");
      show("connection", "new", "calm");
      show("media", "none", "calm", { id: "frames", text: "0 frames decoded" });
      expose("media", "none");
      return;
    }
    const { iceConnectionState: ice, connectionState: state } = connection;
    show("ice", ice, toneOf(ice));
    show("connection", state, toneOf(state));
    const stats = await readMediaStats(connection);
    const { flowing, bytesPerSecond } = flow.update(stats, performance.now());
    const rate = `${stats.framesDecoded} frames · ${Math.round(bytesPerSecond / 1024)} KiB/s`;
    show("media", flowing ? "flowing" : "stopped", flowing ? "good" : "bad", { id: "frames", text: rate });
    expose("ice", ice);
    expose("connection", state);
    expose("media", flowing ? "flowing" : "stopped");
    expose("frames", stats.framesDecoded);
  }, everyMs);
  showSignaling();
}

function toneOf(state: string): Tone {
  if (state === "connected" || state === "completed") return "good";
  if (state === "failed" || state === "disconnected" || state === "closed") return "bad";
  return "warn";
}
