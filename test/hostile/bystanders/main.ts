import { randomBytes } from "node:crypto";
import { type Bystander, bystander, ways } from "./peer.ts";
import type { BystanderReport, BystanderSettings, Order, Told } from "./protocol.ts";
import { watchStates } from "./states.ts";

/**
 * Twelve peers in six calls. The members of each call are on two replicas, and all transports are used. Every peer
 * sends ten numbered signals a second. They run in a process of their own, so that the attackers do not delay their
 * clock.
 */
const settings = JSON.parse(process.argv[2] ?? "") as BystanderSettings;
const perSecond = 10;
/**
 * A signal sent in a window may still arrive for this time after it, ms. One that does not is lost. The bound on the
 * slowest signal is far lower.
 */
const settleMs = 6_000;
/** A window goes on until more signals than this were sent: a pause of the machine may take all of a short one. */
const fewSignals = 30;
const filler = "x".repeat(1_000);

interface Sent {
  at: number;
  sentAt: number;
  ack: "none" | "ok" | string;
  received: number[];
  /** True if its repetition has been reported. */
  told: boolean;
}
interface Direction {
  from: Bystander;
  to: Bystander;
  room: string;
  sent: Sent[];
}

const tell = (told: Told) => process.send?.(told);
const node = (index: number) => settings.nodeIds[index % settings.nodeIds.length] as string;
const directions: Direction[] = [];
const strange: string[] = [];
const states = watchStates(settings);

for (let call = 0; call < 6; call += 1) {
  const room = `call-${randomBytes(8).toString("hex")}`;
  // Transports and replicas rotate at different steps, so that all pairs of transports occur and the peers of a call
  // are on two replicas.
  const a = await bystander(settings.proxyUrl, ways[call % 3] as (typeof ways)[number], room, node(call));
  const wayOfB = ways[(call + Math.floor(call / 3)) % 3] as (typeof ways)[number];
  const b = await bystander(settings.proxyUrl, wayOfB, room, node(call + 1));
  for (const [from, to] of [
    [a, b],
    [b, a],
  ] as const)
    directions.push({ from, to, room, sent: [] });
}
const peerIds = new Set(directions.map(({ from }) => from.peer.peerId));

/** Reads the signals that a direction's addressee got since the last call. */
function receive({ to, sent, from }: Direction): void {
  for (const [event, data, at] of to.peer.events.splice(0)) {
    if (event === "candidate" && data["from"] === from.peer.peerId)
      sent[Number(data["number"])]?.received.push(at - Number(data["sentAt"]));
    else if (event === "superseded" || event === "error-report") strange.push(`${event} ${JSON.stringify(data)}`);
    else if (event.startsWith("peer-") && peerIds.has(String(data["peerId"])) && event !== "peer-joined")
      strange.push(`${event} ${JSON.stringify(data)}`);
  }
}

function send({ from, to, room, sent }: Direction): void {
  const number = sent.length;
  const record: Sent = { at: performance.now(), sentAt: Date.now(), ack: "none", received: [], told: false };
  sent.push(record);
  const signal = {
    roomId: room,
    number,
    sentAt: record.sentAt,
    filler,
    ...(number % 2 === 0 ? { to: to.peer.peerId } : {}),
  };
  from.peer.send("candidate", signal).then(
    (ack) => {
      // An attacker that joined the room and left may be away. The other peer of the call never is.
      record.ack = ack.ok ? (ack.away?.includes(to.peer.peerId) ? "away" : "ok") : ack.error.code;
    },
    (error: Error) => {
      record.ack = error.message;
    },
  );
}

directions.forEach((direction, index) => {
  // Spread over the interval, like real peers.
  setTimeout(() => setInterval(() => send(direction), 1_000 / perSecond), (index * 1_000) / perSecond / 12);
});
setInterval(() => directions.forEach(receive), 50);

const sentBetween = (from: number, until: number) =>
  directions.flatMap(({ sent }) => sent.filter(({ at }) => at >= from && at < until));

function allSettled(from: number, until: number): boolean {
  return sentBetween(from, until).every(({ ack, received }) => ack !== "none" && (ack !== "ok" || received.length > 0));
}

/** Signals that arrived more than once, also from an earlier window. Each is reported once. */
function newRepeats(): number {
  const repeats = directions.flatMap(({ sent }) => sent.filter(({ received, told }) => received.length > 1 && !told));
  for (const one of repeats) one.told = true;
  return repeats.length;
}

function report(from: number, until: number): BystanderReport {
  directions.forEach(receive);
  const window = sentBetween(from, until);
  const refused: Record<string, number> = {};
  for (const { ack } of window) if (ack !== "ok" && ack !== "none") refused[ack] = (refused[ack] ?? 0) + 1;
  return {
    sent: window.length,
    refused,
    lost: window.filter(({ ack, received }) => ack === "ok" && received.length === 0).length,
    unanswered: window.filter(({ ack }) => ack === "none").length,
    repeated: newRepeats(),
    signals: window.flatMap(({ sentAt, received }) => received.map((latencyMs) => ({ sentAt, latencyMs }))),
    socketsLost: directions.flatMap(({ from: { closed } }) => closed),
    strange: strange.splice(0),
    ...states.since(from),
  };
}

let begunAt = 0;
process.on("message", (order: Order) => {
  if (order === "begin") {
    begunAt = performance.now();
    tell({ kind: "begun" });
    return;
  }
  const askedAt = performance.now();
  let endedAt: number | undefined;
  const settled = setInterval(() => {
    directions.forEach(receive);
    const now = performance.now();
    const isLong = now > askedAt + settleMs || sentBetween(begunAt, now).length > fewSignals;
    if (isLong) endedAt ??= now;
    if (endedAt === undefined || (!allSettled(begunAt, endedAt) && now < endedAt + settleMs)) return;
    clearInterval(settled);
    tell({ kind: "report", report: report(begunAt, endedAt) });
  }, 20);
});
process.on("disconnect", () => process.exit());
tell({ kind: "ready", rooms: [...new Set(directions.map(({ room }) => room))] });
