/**
 * Measures the cost of a scrape: `/metrics` of a replica with 5,000 peers and of the proxy with 5,000 tunnels, all in
 * rooms. `node test/bench/scrape-cost.ts [peers]`: one line for each, over 41 scrapes.
 */
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { WebSocket } from "ws";
import { startStack } from "../support/stack.ts";

const peers = Number(process.argv[2] ?? 5_000);
const perSecond = 400;
const scrapes = 41;

const limits = {
  ADMIT_PER_SECOND: "5000",
  MAX_CONNECTIONS_PER_CLIENT: "20000",
  MAX_SESSIONS_PER_CLIENT_PER_SECOND: "5000",
};
await using stack = await startStack({ count: 1, env: limits });
const [replica] = stack.replicas;
if (replica === undefined) throw new Error("no replica");

const sockets: WebSocket[] = [];
let joined = 0;
/** A minimal Engine.IO client: answers pings, joins a room of two, and sends nothing else. */
async function connect(index: number): Promise<void> {
  const socket = new WebSocket(`${stack.proxy.url.replace("http", "ws")}/socket.io/?EIO=4&transport=websocket`);
  sockets.push(socket);
  socket.on("message", (data) => {
    const text = String(data);
    if (text === "2") socket.send("3");
    else if (text.startsWith("0")) socket.send("40/signaling,");
    else if (text.startsWith("40/signaling,")) socket.send(`42/signaling,1["join","room-${index >> 1}"]`);
    else if (text.startsWith("43/signaling,1")) joined += 1;
  });
  await once(socket, "open");
}

for (let index = 0; index < peers; index += 1) {
  await connect(index);
  if (index % 20 === 0) await sleep((20 / perSecond) * 1_000);
}
for (let tries = 0; joined < peers && tries < 100; tries += 1) await sleep(100);

async function scrape(adminUrl: string): Promise<{ ms: number; text: string; cpuMs: number }> {
  const from = performance.now();
  const text = await (await fetch(`${adminUrl}/metrics`)).text();
  const ms = performance.now() - from;
  return { ms, text, cpuMs: 1_000 * Number(/^process_cpu_seconds_total (\S+)/m.exec(text)?.[1]) };
}

/**
 * Wall-clock time means little on a busy machine. CPU is the program's time above an idle period of the same length.
 */
async function measure(name: string, adminUrl: string): Promise<void> {
  const everyMs = 200;
  const before = await scrape(adminUrl);
  const from = performance.now();
  const times: number[] = [];
  for (let n = 0; n < scrapes; n += 1) {
    times.push((await scrape(adminUrl)).ms);
    await sleep(everyMs);
  }
  const after = await scrape(adminUrl);
  const tookMs = performance.now() - from;
  await sleep(tookMs);
  const idle = await scrape(adminUrl);
  const cpu = (after.cpuMs - before.cpuMs - (idle.cpuMs - after.cpuMs)) / scrapes;
  times.sort((a, b) => a - b);
  const at = (share: number) => (times[Math.floor(share * (times.length - 1))] ?? 0).toFixed(1);
  const size = Math.round(idle.text.length / 1024);
  console.log(
    `${name}: ${cpu.toFixed(1)} ms CPU a scrape; time median ${at(0.5)} ms, best ${at(0)}, p95 ${at(0.95)}; ${size} KiB`,
  );
}

console.log(`${joined} of ${peers} peers have joined`);
await measure("replica", replica.adminUrl);
await measure("proxy", stack.proxy.adminUrl);
for (const socket of sockets) socket.terminate();
