import { accessSync, constants, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Browser, chromium, type Page } from "playwright-core";

/** The installed Chromium. @throws Error if there is none */
function chromiumPath(): string {
  const names = ["chromium", "chromium-browser", "google-chrome"];
  for (const dir of (process.env["PATH"] ?? "").split(":"))
    for (const name of names) {
      try {
        accessSync(join(dir, name), constants.X_OK);
        return join(dir, name);
      } catch {
        // It does not exist; try the next one.
      }
    }
  throw new Error(`no ${names.join(", ")} on the PATH: apt-get install chromium`);
}

/**
 * Headless Chromium with a generated camera and microphone, whose WebRTC works over the loopback interface.
 *
 * @param backForwardCache true enables the cache, which playwright disables
 * @param executable a script to start instead, which runs `$CHROMIUM` with its arguments
 */
export function startBrowser({
  executable = chromiumPath(),
  env = {},
  backForwardCache = false,
} = {}): Promise<Browser> {
  return chromium.launch({
    ignoreDefaultArgs: backForwardCache ? ["--disable-back-forward-cache"] : [],
    executablePath: executable,
    env: {
      ...(process.env as Record<string, string>),
      CHROMIUM: chromiumPath(),
      // Chromium writes to HOME, so a test uses a HOME of its own.
      HOME: mkdtempSync(join(tmpdir(), "chromium-")),
      ...env,
    },
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--disable-dev-shm-usage",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      "--disable-background-timer-throttling",
      "--disable-renderer-backgrounding",
      "--disable-backgrounding-occluded-windows",
      "--autoplay-policy=no-user-gesture-required",
      "--use-fake-ui-for-media-stream",
      "--use-fake-device-for-media-stream",
      "--allow-loopback-in-peer-connection",
    ],
  });
}

/** The state of the call page, from its data attributes. */
export interface PageFacts {
  state: string;
  node: string;
  peer: string;
  ice: string;
  connection: string;
  media: string;
  frames: number;
  reconnects: number;
  outage: number;
}

export function factsOf(page: Page): Promise<PageFacts> {
  return page.evaluate(() => {
    const { state = "", node = "", peer = "", ice = "", connection = "", media = "", ...rest } = document.body.dataset;
    const numbers = { frames: Number(rest["frames"] ?? 0), reconnects: Number(rest["reconnects"] ?? 0) };
    return { state, node, peer, ice, connection, media, outage: Number(rest["outage"] ?? 0), ...numbers };
  });
}

/** A sample of the page's RTCPeerConnections, newest last. */
export interface MediaSample {
  /** Time of the page's clock, ms. */
  at: number;
  ice: string;
  framesDecoded: number;
  /** ICE user fragment of the local description. */
  ufrag: string;
  /** Selected candidate pair. */
  pair: string;
  connections: number;
}

/** Watches every RTCPeerConnection of the page, from before its first script. Call it before `goto`. */
export async function watchConnections(page: Page): Promise<void> {
  await page.addInitScript(() => {
    const connections: RTCPeerConnection[] = [];
    const Original = RTCPeerConnection;
    globalThis.RTCPeerConnection = class extends Original {
      constructor(configuration?: RTCConfiguration) {
        super(configuration);
        connections.push(this);
      }
    };
    Object.assign(globalThis, { watched: { connections, samples: [] } });
  });
}

/** The progress of negotiation in each RTCPeerConnection, for the message of a failed test. */
export function connectionsOf(page: Page): Promise<string[]> {
  return page.evaluate(() =>
    (globalThis as unknown as { watched: { connections: RTCPeerConnection[] } }).watched.connections.map(
      ({ signalingState, iceGatheringState, localDescription, remoteDescription }) =>
        `${signalingState}, gathering ${iceGatheringState}, local ${localDescription?.type}, remote ${remoteDescription?.type}`,
    ),
  );
}

/** Samples the newest connection every 200 ms, in the page itself, until the page is closed. */
export async function startSampling(page: Page): Promise<void> {
  await page.evaluate(() => {
    const { watched } = globalThis as unknown as { watched: { connections: RTCPeerConnection[]; samples: unknown[] } };
    setInterval(async () => {
      const connection = watched.connections.at(-1);
      if (connection === undefined) return;
      const sample = {
        at: performance.now(),
        ice: connection.iceConnectionState as string,
        framesDecoded: 0,
        ufrag: /a=ice-ufrag:(\S+)/.exec(connection.localDescription?.sdp ?? "")?.[1] ?? "",
        pair: "",
        connections: watched.connections.length,
      };
      for (const entry of (await connection.getStats()).values()) {
        if (entry.type === "inbound-rtp" && entry.kind === "video") sample.framesDecoded = entry.framesDecoded ?? 0;
        if (entry.type === "transport") sample.pair = entry.selectedCandidatePairId ?? "";
      }
      watched.samples.push(sample);
    }, 200);
  });
}

/** The samples so far. */
export function samplesOf(page: Page): Promise<MediaSample[]> {
  return page.evaluate(() => (globalThis as unknown as { watched: { samples: MediaSample[] } }).watched.samples);
}
