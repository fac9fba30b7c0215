import { randomBytes } from "node:crypto";
import type { Attack } from "../attacker.ts";
import { enginePath, openPolling, openPollingPeer } from "../engine-session.ts";
import {
  ask,
  countStatus,
  frame,
  inParallel,
  OPCODE,
  openTunnel,
  openWebSocket,
  over,
  upgradeHead,
  write,
} from "../wire.ts";

const room = () => `hostile-${randomBytes(6).toString("hex")}`;

/** Guessed, shared and repeated session ids, and unfinished upgrades. */
export const sessions: readonly Attack[] = [
  {
    name: "guesses session ids of every replica",
    guard: "sessions",
    forMs: 2_000,
    bounds: [{ figure: "status 2xx", max: () => 0 }],
    async run(attacker) {
      await inParallel(attacker, 4_000, 32, async (index) => {
        const sid = `signaling-${(index % 4) + 1}.${randomBytes(16).toString("base64url")}`;
        const { status } = await ask(attacker, enginePath("polling", `&sid=${sid}`), {
          method: index % 2 === 0 ? "GET" : "POST",
        });
        countStatus(attacker, status);
        attacker.count("sent");
      });
    },
  },
  {
    name: "polls and posts one session twice at once, 50 times",
    guard: "sessions",
    forMs: 1_500,
    bounds: [{ figure: "status 2xx", min: 10 }],
    async run(attacker) {
      await inParallel(attacker, 50, 10, async () => {
        const { path } = await openPollingPeer(attacker, room());
        const body = { method: "POST", body: "6" };
        const asked = [ask(attacker, path), ask(attacker, path), ask(attacker, path, body), ask(attacker, path, body)];
        for (const { status } of await Promise.all(asked)) countStatus(attacker, status);
        attacker.count("sent");
      });
    },
  },
  {
    name: "posts while it upgrades, and upgrades one session three times",
    guard: "sessions",
    forMs: 1_500,
    async run(attacker) {
      await inParallel(attacker, 50, 10, async () => {
        const { path, post } = await openPollingPeer(attacker, room());
        const upgrade = path.replace("polling", "websocket");
        const opened = await Promise.allSettled([1, 2, 3].map(() => openWebSocket(attacker, upgrade)));
        for (const one of opened) if (one.status === "fulfilled") one.value.send("2probe");
        await post("6");
        for (const one of opened) if (one.status === "fulfilled" && one.value.readyState === 1) one.value.send("5");
        await post("42/signaling,[]");
        attacker.count("sent");
      });
      await over(attacker.signal);
    },
  },
  {
    name: "probes an upgrade again and again on 16 sessions, and reads nothing",
    guard: "sessions",
    forMs: 2_000,
    async run(attacker) {
      const probes = Buffer.concat(Array.from({ length: 2_000 }, () => frame(OPCODE.text, "2probe")));
      const cookie = randomBytes(6).toString("hex");
      await inParallel(attacker, 16, 16, async () => {
        const { path } = await openPolling(attacker, cookie);
        const socket = await openTunnel(attacker, path.replace("polling", "websocket"));
        socket.pause();
        while (await write(socket, probes, attacker.signal)) attacker.count("sent", 2_000);
      });
      await over(attacker.signal);
    },
  },
  {
    name: "upgrades 300 times and says nothing",
    guard: "sessions",
    forMs: 2_000,
    async run(attacker) {
      await inParallel(attacker, 300, 50, async (index) => {
        const socket = await attacker.connect();
        await write(socket, upgradeHead(index % 2 === 0 ? "/ws" : enginePath("websocket")), attacker.signal);
        attacker.count("sent");
      });
      await over(attacker.signal);
    },
  },
  {
    name: "connects and resets 4,000 times",
    guard: "sessions",
    forMs: 1_500,
    async run(attacker) {
      await inParallel(attacker, 4_000, 50, async (index) => {
        const socket = await attacker.connect();
        const begun = ["", "G", upgradeHead("/ws"), `GET ${enginePath("polling")} HTTP/1.1\r\nHost: h\r\n\r\n`];
        socket.write(begun[index % begun.length] as string);
        socket.resetAndDestroy();
        attacker.count("sent");
      });
    },
  },
  {
    name: "closes the sending half of 100 tunnels",
    guard: "sessions",
    forMs: 2_000,
    async run(attacker) {
      await inParallel(attacker, 100, 50, async (index) => {
        const socket = await attacker.connect();
        socket.end(upgradeHead(index % 2 === 0 ? "/ws" : enginePath("websocket")));
        attacker.count("sent");
      });
      await over(attacker.signal);
    },
  },
];
