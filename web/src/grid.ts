import type { Call } from "../../client/call.ts";
import { chosen, type Presence } from "./chosen.ts";
import { element, shortName } from "./view.ts";
import type { Reading } from "./watch-media.ts";

/** Maximum number of pictures. All peers are heard. */
const limit = 6;
/** Audio level above which a peer speaks, 0 to 1. The tone of a test picture is below it. */
const speechLevel = 0.05;

interface Tile extends Presence {
  figure: HTMLElement;
  video: HTMLVideoElement;
  caption: HTMLElement;
  away: boolean;
  streams: Set<MediaStream>;
}

/**
 * Shows one picture for each peer of the call, up to six. With more peers it shows those who speak or came last, and a
 * count of the others.
 *
 * @returns a function that takes the readings of the call's media
 */
export function keepGrid(call: Call): (readings: readonly Reading[]) => void {
  const grid = element("grid");
  const tiles = new Map<string, Tile>();

  function tileOf(peerId: string): Tile {
    const known = tiles.get(peerId);
    if (known !== undefined) return known;
    const video = Object.assign(document.createElement("video"), { autoplay: true, playsInline: true });
    const caption = document.createElement("figcaption");
    const figure = document.createElement("figure");
    figure.dataset["peer"] = peerId;
    figure.append(video, caption);
    grid.insertBefore(figure, element("local-figure"));
    const streams = new Set<MediaStream>();
    const times = { cameAt: performance.now(), spokeAt: Number.NEGATIVE_INFINITY };
    const tile = { peerId, figure, video, caption, streams, away: false, ...times };
    tiles.set(peerId, tile);
    return tile;
  }

  function arrange(): void {
    const shown = new Set(chosen([...tiles.values()], limit));
    for (const { peerId, figure } of tiles.values()) figure.hidden = !shown.has(peerId);
    const others = tiles.size - shown.size;
    element("more").hidden = others === 0;
    element("more").textContent = `and ${others} more`;
    element("nobody").hidden = tiles.size > 0;
    // The local picture is in the grid with two or more other peers, and in a corner before that.
    grid.dataset["pictures"] = String(tiles.size < 2 ? tiles.size : shown.size + 1 + (others === 0 ? 0 : 1));
  }

  /** The newest stream with video, so that a shared screen replaces the camera. */
  function showPicture(tile: Tile): void {
    const live = [...tile.streams].filter((stream) => stream.getVideoTracks().some(({ muted }) => !muted));
    const stream = live.at(-1) ?? [...tile.streams][0] ?? null;
    tile.figure.dataset["screen"] = String(live.length > 1);
    describe(tile);
    if (tile.video.srcObject === stream) return;
    tile.video.srcObject = stream;
    tile.video.play().catch((error: DOMException) => {
      // A newer stream replaced this one before it started.
      if (error.name === "AbortError") return undefined;
      // Some browsers require a gesture for sound, but not for the picture.
      tile.video.muted = true;
      return tile.video.play();
    });
  }

  function describe({ peerId, caption, figure, away }: Tile): void {
    const screen = figure.dataset["screen"] === "true" ? " · screen" : "";
    caption.textContent = `${shortName(peerId)}${screen}${away ? " · reconnecting" : ""}`;
  }

  call.on("link", ({ peerId }) => {
    describe(tileOf(peerId));
    arrange();
  });
  call.on("track", ({ peerId, track, stream }) => {
    const tile = tileOf(peerId);
    tile.streams.add(stream);
    const update = () => showPicture(tile);
    track.addEventListener("mute", update);
    track.addEventListener("unmute", update);
    stream.addEventListener("removetrack", () => {
      if (stream.getTracks().length === 0) tile.streams.delete(stream);
      update();
    });
    update();
    arrange();
  });
  call.on("gone", ({ peerId }) => {
    tiles.get(peerId)?.figure.remove();
    tiles.delete(peerId);
    arrange();
  });
  call.on("state", (state) => {
    if (state === "ended") element("nobody").textContent = "The call has ended here. Press Join again to come back.";
  });
  for (const [event, away] of [
    ["peer-away", true],
    ["peer-joined", false],
  ] as const)
    call.signaling.on(event, ({ peerId }) => {
      const tile = tiles.get(peerId);
      if (tile === undefined) return;
      tile.away = away;
      describe(tile);
    });

  return (readings) => {
    for (const { peerId, audioLevel, flowing } of readings) {
      const tile = tiles.get(peerId);
      if (tile === undefined) continue;
      const speaks = audioLevel > speechLevel;
      if (speaks) tile.spokeAt = performance.now();
      tile.figure.dataset["speaks"] = String(speaks);
      tile.figure.dataset["flowing"] = String(flowing);
    }
    arrange();
  };
}
