import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { Writable } from "node:stream";
import { pino } from "pino";
import { expect, test } from "vitest";
import { cheapenReset, checkCheapResets } from "./cheap-resets.ts";
import { checkLateOnread } from "./late-onread.ts";
import { withLoopbackPair } from "./loopback-pair.ts";
import { checkPlainUpgrade } from "./plain-upgrade.ts";
import { checkShortRequests } from "./short-requests.ts";
import { createTuning } from "./tuning.ts";

const head = Buffer.from("GET /ws HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n");

/** The chosen tuning for these options, and its log lines. */
async function tuned(options: { wanted?: "on" | "off"; nodeVersion?: string; nodeOptions?: string[] }) {
  const lines: string[] = [];
  const log = pino(
    { level: "info" },
    new Writable({
      write(chunk, _encoding, done) {
        lines.push((JSON.parse(String(chunk)) as { msg: string }).msg);
        done();
      },
    }),
  );
  const nodeOptions = ["--max-semi-space-size=8"];
  const given = { wanted: "on" as const, nodeVersion: process.versions.node, nodeOptions, ...options };
  const tuning = await createTuning({ ...given, log });
  let read = false;
  await withLoopbackPair(async ({ accepted }) => {
    accepted.on("data", () => undefined);
    read = tuning.readInto(accepted, Buffer.alloc(64), () => true);
  });
  const plainUpgrade = tuning.readPlainUpgrade(head, {} as Socket) !== undefined;
  const cheapReset = tuning.cheapenReset === cheapenReset;
  return { plainUpgrade, readInto: read, shortRequests: tuning.shortRequests, cheapReset, lines };
}

test("on, with a tested Node: every part works, and nothing is logged", async () => {
  expect(await tuned({})).toEqual({
    plainUpgrade: true,
    readInto: true,
    shortRequests: true,
    cheapReset: true,
    lines: [],
  });
});

test("off: no part works, and nothing is logged", async () => {
  expect(await tuned({ wanted: "off" })).toEqual({
    plainUpgrade: false,
    readInto: false,
    shortRequests: false,
    cheapReset: false,
    lines: [],
  });
});

test("a newer major version of Node runs without tuning, and one line says so", async () => {
  expect(await tuned({ nodeVersion: "26.1.0" })).toEqual({
    plainUpgrade: false,
    readInto: false,
    shortRequests: false,
    cheapReset: false,
    lines: ["tuning is off: it was tested on Node 24, this is Node 26.1.0"],
  });
});

test("an unbounded heap gives one log line, and the other parts work", async () => {
  const { plainUpgrade, readInto, lines } = await tuned({ nodeOptions: ["--enable-source-maps"] });
  expect([plainUpgrade, readInto]).toEqual([true, true]);
  expect(lines).toEqual([expect.stringContaining("start Node with --max-semi-space-size=8")]);
});

test("each part checks itself with bytes through a loopback connection", async () => {
  await checkLateOnread();
  await checkPlainUpgrade();
  await checkShortRequests();
  await checkCheapResets();
});

test("a reset leaves an error without frames; every other error keeps its stack", async () => {
  const stacks: (string | undefined)[] = [];
  for (const error of [undefined, new Error("another")])
    await withLoopbackPair(
      async ({ accepted, peer }) => {
        cheapenReset(accepted);
        const closed = once(accepted.resume(), "close");
        accepted.on("error", ({ stack }) => stacks.push(stack));
        if (error === undefined) peer.resetAndDestroy();
        else accepted.destroy(error);
        await closed.catch(() => once(accepted, "close"));
      },
      { mayFail: true },
    );
  expect(stacks).toEqual(["Error: read ECONNRESET", expect.stringMatching(/^Error: another\n +at .*tuning\.test/)]);
});

test("a check that gets no answer fails in 2 s, and leaves no connection behind", async () => {
  let pair: { accepted: Socket; peer: Socket } | undefined;
  const begunAt = performance.now();
  const check = withLoopbackPair(async (given) => {
    pair = given;
    await once(given.accepted, "data", { signal: given.signal });
  });
  await expect(check).rejects.toThrow();
  expect(performance.now() - begunAt).toBeLessThan(5_000);
  expect([pair?.accepted.destroyed, pair?.peer.destroyed]).toEqual([true, true]);
});

test("a socket without the handle for late onread uses events", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const peer = connect((server.address() as AddressInfo).port, "127.0.0.1");
  const [accepted] = (await once(server, "connection")) as [Socket];
  const { readInto } = await createTuning({
    wanted: "on",
    nodeVersion: process.versions.node,
    nodeOptions: ["--max-semi-space-size=8"],
    log: pino({ level: "silent" }),
  });
  peer.destroy();
  accepted.destroy();
  expect(readInto(accepted, Buffer.alloc(64), () => true)).toBe(false);
  server.close();
});
