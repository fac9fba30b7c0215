import { type Call, createCall } from "../../client/call.ts";
import { wireControls } from "./controls.ts";
import { keepGrid } from "./grid.ts";
import { getOwnMedia } from "./own-media.ts";
import { keepStrip } from "./strip.ts";
import { element, logEvent, shortName } from "./view.ts";
import { watchMedia } from "./watch-media.ts";

const query = new URLSearchParams(location.search);
const room = query.get("room");
const testPicture = query.get("test") === "1";
/** The address of this page without its query. A proxy in front may serve it under a path. */
const url = new URL(".", location.href).href;
/** Further addresses of the same stack, from the replica that served the page (`PAGE_URLS`). */
const further = document.querySelector<HTMLMetaElement>('meta[name="signaling-urls"]')?.content.split(" ") ?? [];
const transport = query.get("transport");

element<HTMLInputElement>("room").value = room ?? `room-${Math.random().toString(36).slice(2, 8)}`;
element<HTMLFormElement>("room-form").addEventListener("submit", (event) => {
  event.preventDefault();
  query.set("room", element<HTMLInputElement>("room").value);
  location.search = query.toString();
});
element("copy").addEventListener("click", async () => {
  query.set("room", element<HTMLInputElement>("room").value);
  const link = `${url}?${query}`;
  try {
    await navigator.clipboard.writeText(link);
    logEvent("link copied");
  } catch {
    // Without TLS there is no clipboard, so the page shows the link.
    window.prompt("Copy this link:", link);
  }
});

if (room !== null) await enter(room);
else logEvent("choose a room and press Join");

async function enter(roomId: string): Promise<void> {
  document.title = `${roomId} · Hold the Line`;
  element("go").textContent = "Change room";
  const { stream, note } = await getOwnMedia(testPicture);
  logEvent(note);
  element<HTMLVideoElement>("local").srcObject = stream;
  const call = createCall({
    urls: [url, ...further.filter((address) => address !== "" && address !== url)],
    transports: transport === "polling" || transport === "websocket" ? transport : "default",
    // For STICKY_KEY=room: both peers of a call land on one replica.
    query: { room: roomId },
    createConnection: (configuration) => new RTCPeerConnection(configuration),
    stream,
  });
  const showInStrip = keepStrip(call);
  const showInGrid = keepGrid(call);
  watchMedia(call, (readings) => {
    showInStrip(readings);
    showInGrid(readings);
  });
  logPresence(call);
  wireControls(call, stream, { testPicture });
  // The tab is closed or leaves the page. The other peers are told at once.
  addEventListener("pagehide", () => call.depart());
  // The page returned from the back-forward cache, and `pagehide` has ended its call. A reloaded page joins again.
  addEventListener("pageshow", ({ persisted }) => {
    if (persisted) location.reload();
  });
  call.join(roomId);
}

function logPresence(call: Call): void {
  const { signaling } = call;
  signaling.on("peer-joined", ({ peerId, node, resumed }) =>
    logEvent(`${shortName(peerId)} ${resumed === true ? "is back" : "joined"} on ${node}`, "good"),
  );
  signaling.on("peer-away", ({ peerId, reason }) => logEvent(`${shortName(peerId)} is away: ${reason}`, "warn"));
  signaling.on("peer-left", ({ peerId, reason }) => logEvent(`${shortName(peerId)} left: ${reason}`, "warn"));
  signaling.on("error-report", ({ event, code, message }) => logEvent(`${event} refused: ${code} (${message})`, "bad"));
  signaling.on("ended", ({ reason }) => logEvent(`call ended: ${reason}`, "warn"));
  call.on("gone", ({ peerId }) => logEvent(`${shortName(peerId)} is gone`, "warn"));
  call.on("problem", ({ message }) => logEvent(message, "bad"));
  const known = new Map<string, string>();
  call.on("link", ({ peerId, link: { connection } }) => {
    const state = connection.iceConnectionState;
    if (known.get(peerId) === state) return;
    known.set(peerId, state);
    logEvent(`${shortName(peerId)} ICE ${state}`, state === "failed" ? "bad" : "calm");
  });
}
