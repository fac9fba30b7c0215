import type { Call } from "../../client/call.ts";
import { createTestPicture } from "./test-picture.ts";
import { element, logEvent } from "./view.ts";

const keys: Readonly<Record<string, string>> = { m: "mute", v: "camera", s: "share", r: "restart", h: "hang-up" };

/** Connects the buttons and their keys to the call. */
export function wireControls(call: Call, stream: MediaStream, options: { testPicture: boolean }): void {
  toggle("mute", stream.getAudioTracks());
  toggle("camera", stream.getVideoTracks());
  wireScreenShare(call, options.testPicture);
  element("restart").addEventListener("click", () => {
    logEvent("ICE restart requested");
    call.restartIce();
  });
  element("hang-up").addEventListener("click", () => call.hangUp());
  call.on("state", (state) => {
    if (state !== "ended") return;
    for (const track of stream.getTracks()) track.stop();
    for (const id of Object.values(keys)) element<HTMLButtonElement>(id).disabled = true;
    element("go").textContent = "Join again";
  });
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

/** The shared screen is a second stream, active while the button is pressed. */
function wireScreenShare(call: Call, testPicture: boolean): void {
  const button = element<HTMLButtonElement>("share");
  const possible = testPicture || navigator.mediaDevices?.getDisplayMedia !== undefined;
  // Phones cannot share a screen, and neither can a page without TLS.
  button.hidden = !possible;
  let shared: MediaStreamTrack[] = [];

  function stop(): void {
    for (const track of shared) {
      call.removeTrack(track);
      track.stop();
    }
    shared = [];
    button.setAttribute("aria-pressed", "false");
  }

  async function start(): Promise<void> {
    const screen = testPicture ? createTestPicture() : await navigator.mediaDevices.getDisplayMedia({ video: true });
    shared = screen.getVideoTracks();
    for (const track of shared) {
      // The browser's own button can also end the sharing.
      track.addEventListener("ended", stop);
      call.addTrack(track, screen);
    }
    button.setAttribute("aria-pressed", "true");
  }

  button.addEventListener("click", () => {
    if (shared.length > 0) stop();
    else start().catch((error: Error) => logEvent(`no screen is shared: ${error.message}`, "warn"));
  });
}
