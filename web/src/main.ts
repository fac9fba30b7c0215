import { type Call, createCall } from "../../client/call.ts";
import { getOwnMedia } from "./own-media.ts";
import { keepStrip } from "./strip.ts";
import { element, logEvent } from "./view.ts";

const query = new URLSearchParams(location.search);
const room = query.get("room");
const transport = query.get("transport");

element<HTMLInputElement>("room").value = room ?? `room-${Math.random().toString(36).slice(2, 8)}`;
element<HTMLFormElement>("room-form").addEventListener("submit", (event) => {
  event.preventDefault();
  query.set("room", element<HTMLInputElement>("room").value);
  location.search = query.toString();
});
element("copy").addEventListener("click", async () => {
  query.set("room", element<HTMLInputElement>("room").value);
  const link = `${location.origin}/?${query}`;
  try {
    await navigator.clipboard.writeText(link);
    logEvent("link copied");
  } catch {
    // Without TLS there is no clipboard: show what to copy.
    window.prompt("Copy this link:", link);
  }
});

if (room !== null) await enter(room);
else logEvent("choose a room and press Join");

async function enter(roomId: string): Promise<void> {
  document.title = `${roomId} · Hold the Line`;
  element("go").textContent = "Change room";
  const { stream, note } = await getOwnMedia(query.get("test") === "1");
  logEvent(note);
  element<HTMLVideoElement>("local").srcObject = stream;
  const call = createCall({
    url: location.origin,
    transports: transport === "polling" || transport === "websocket" ? transport : "default",
    // For STICKY_KEY=room: both peers of a call land on one replica.
    query: { room: roomId },
    createConnection: (configuration) => new RTCPeerConnection(configuration),
    stream,
  });
  keepStrip(call);
  showRemote(call);
  logPresence(call);
  wireControls(call, stream);
  call.join(roomId);
}

function showRemote(call: Call): void {
  const video = element<HTMLVideoElement>("remote");
  const caption = element("remote-caption");
  let shown: string | null = null;
  call.on("track", ({ peerId, stream }) => {
    shown = peerId;
    if (video.srcObject === stream) return;
    video.srcObject = stream;
    caption.textContent = `peer ${peerId.slice(0, 6)}`;
    video.play().catch(() => {
      // Sound needs a gesture in some browsers: the picture does not.
      video.muted = true;
      return video.play();
    });
  });
  call.on("gone", ({ peerId }) => {
    logEvent(`peer ${peerId.slice(0, 6)} hung up`, "warn");
    if (peerId !== shown) return;
    video.srcObject = null;
    caption.textContent = "Nobody else is here. Open the link in a second window.";
  });
}

function logPresence(call: Call): void {
  const { signaling } = call;
  const short = (peerId: string) => `peer ${peerId.slice(0, 6)}`;
  signaling.on("peer-joined", ({ peerId, node, resumed }) =>
    logEvent(`${short(peerId)} ${resumed === true ? "is back" : "joined"} on ${node}`, "good"),
  );
  signaling.on("peer-away", ({ peerId, reason }) => logEvent(`${short(peerId)} is away: ${reason}`, "warn"));
  signaling.on("peer-left", ({ peerId, reason }) => logEvent(`${short(peerId)} left: ${reason}`, "warn"));
  signaling.on("error-report", ({ event, code, message }) => logEvent(`${event} refused: ${code} (${message})`, "bad"));
  signaling.on("ended", ({ reason }) => logEvent(`call ended: ${reason}`, "warn"));
  call.on("problem", ({ message }) => logEvent(message, "bad"));
  const known = new Map<string, string>();
  call.on("link", ({ peerId, link: { connection } }) => {
    const state = connection.iceConnectionState;
    if (known.get(peerId) === state) return;
    known.set(peerId, state);
    logEvent(`${short(peerId)} ICE ${state}`, state === "failed" ? "bad" : "calm");
  });
}

function wireControls(call: Call, stream: MediaStream): void {
  toggle("mute", stream.getAudioTracks());
  toggle("camera", stream.getVideoTracks());
  element("restart").addEventListener("click", () => {
    logEvent("ICE restart asked for");
    call.restartIce();
  });
  const hangUp = element<HTMLButtonElement>("hang-up");
  hangUp.addEventListener("click", async () => {
    hangUp.disabled = true;
    await call.hangUp();
    for (const track of stream.getTracks()) track.stop();
  });
  const keys: Readonly<Record<string, string>> = { m: "mute", v: "camera", r: "restart", h: "hang-up" };
  addEventListener("keydown", (event) => {
    const id = keys[event.key.toLowerCase()];
    const typing = event.target instanceof HTMLInputElement;
    if (id !== undefined && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) element(id).click();
  });
}

function toggle(id: string, tracks: readonly MediaStreamTrack[]): void {
  const button = element<HTMLButtonElement>(id);
  button.disabled = tracks.length === 0;
  button.addEventListener("click", () => {
    const off = button.getAttribute("aria-pressed") !== "true";
    for (const track of tracks) track.enabled = !off;
    button.setAttribute("aria-pressed", String(off));
  });
}
