import type { Call, CallState } from "../../client/call.ts";
import { expose, logEvent, show, type Tone } from "./view.ts";
import type { Reading } from "./watch-media.ts";

/** Update interval of the duration of an outage, ms. */
const outageEveryMs = 500;

const signalingTone: Record<CallState, Tone> = {
  idle: "calm",
  joining: "warn",
  calling: "good",
  connected: "good",
  "signaling-lost": "bad",
  ended: "calm",
};

/**
 * Updates the status strip: signaling and its replica, ICE, connection, media, reconnects, last outage.
 *
 * @returns a function that takes the readings of the call's media
 */
export function keepStrip(call: Call): (readings: readonly Reading[]) => void {
  let reconnects = 0;
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

  setInterval(() => {
    if (lostAt !== null) show("outage", `${((Date.now() - lostAt) / 1000).toFixed(1)} s …`, "bad");
  }, outageEveryMs);
  showSignaling();

  return (readings) => {
    expose("peers", readings.length);
    if (readings.length === 0) {
      show("ice", "new", "calm");
      show("connection", "new", "calm");
      show("media", "none", "calm", { id: "frames", text: "0 frames decoded" });
      expose("media", "none");
      return;
    }
    const ice = worstOf(readings.map((reading) => reading.ice));
    const connection = worstOf(readings.map((reading) => reading.connection));
    show("ice", ice, toneOf(ice));
    show("connection", connection, toneOf(connection));
    const silent = readings.filter(({ flowing }) => !flowing).length;
    const frames = readings.reduce((sum, { framesDecoded }) => sum + framesDecoded, 0);
    const kibPerSecond = Math.round(readings.reduce((sum, { bytesPerSecond }) => sum + bytesPerSecond, 0) / 1024);
    const from = readings.length === 1 ? `${frames} frames` : `${readings.length - silent} of ${readings.length}`;
    const text = `${from} · ${kibPerSecond} KiB/s`;
    show("media", silent === 0 ? "flowing" : "stopped", silent === 0 ? "good" : "bad", { id: "frames", text });
    expose("ice", ice);
    expose("connection", connection);
    expose("media", silent === 0 ? "flowing" : "stopped");
    expose("frames", frames);
  };
}

/** States from worst to best. Of several connections the worst state is shown. */
const ranks = ["failed", "closed", "disconnected", "new", "checking", "connecting", "completed", "connected"];

function worstOf(states: readonly string[]): string {
  return [...states].sort((one, other) => ranks.indexOf(one) - ranks.indexOf(other))[0] ?? "new";
}

function toneOf(state: string): Tone {
  if (state === "connected" || state === "completed") return "good";
  if (state === "failed" || state === "disconnected" || state === "closed") return "bad";
  return "warn";
}
