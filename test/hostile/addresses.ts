import { Agent, request } from "node:http";
import type { Attack } from "../../ops/hostile/attacker.ts";
import { enginePath } from "../../ops/hostile/engine-session.ts";
import { inParallel } from "../../ops/hostile/wire.ts";
import { nodeFlags } from "../../ops/process/node-flags.ts";
import { freePort } from "../support/free-port.ts";
import { until } from "../support/poll.ts";
import { type Program, startProgram } from "../support/program.ts";
import type { TestStack } from "../support/stack.ts";

/** The address of a trusted balancer, with which one machine can act as many clients. */
const balancer = "127.0.0.3";
/** New sessions of a client in a burst, and each second. Both are well below the replicas' total admission. */
const perSecond = 100;

/** A second proxy in front of the same replicas, with default settings except for these two. */
async function startEdge(stack: TestStack): Promise<{ program: Program; port: number }> {
  const [port, adminPort] = [await freePort(), await freePort()];
  const program = startProgram("node", [...nodeFlags, "proxy/main.ts"], {
    PROXY_PORT: String(port),
    PROXY_ADMIN_PORT: String(adminPort),
    REPLICAS: stack.replicas.map(({ nodeId, url, adminUrl }) => `${nodeId}=${url}|${adminUrl}/readyz`).join(","),
    TRUSTED_PROXIES: balancer,
    MAX_SESSIONS_PER_CLIENT_PER_SECOND: String(perSecond),
  });
  const ready = async () => (await fetch(`http://127.0.0.1:${adminPort}/readyz`)).ok;
  await until("the proxy behind a balancer is ready", ready, { withinMs: 20_000 });
  return { program, port };
}

/** Handshakes from addresses of one client. */
const flood = (stack: () => TestStack, name: string, address: (index: number) => string): Attack => ({
  name,
  guard: "addresses",
  forMs: 6_000,
  bounds: [
    // `seconds` includes the start of a proxy, so the flood's own time judges the admitted sessions.
    { figure: "admitted over the rate", max: () => 0 },
    { figure: "admitted", min: 50 },
  ],
  async run(attacker) {
    const { program, port } = await startEdge(stack());
    await using _ = program;
    const agent = new Agent({ keepAlive: true, maxSockets: 64, localAddress: balancer });
    const begunAt = performance.now();
    let admitted = 0;
    await inParallel(attacker, 2_000, 64, (index) => {
      attacker.count("sent");
      return new Promise<void>((resolve) => {
        const asked = request({
          host: "127.0.0.1",
          port,
          path: enginePath("polling"),
          headers: { "x-forwarded-for": address(index) },
          agent,
          signal: attacker.signal,
        });
        asked.on("error", () => resolve());
        asked.on("response", (answer) => {
          if (answer.statusCode === 200) admitted += 1;
          answer.resume().on("close", () => resolve());
        });
        asked.end();
      });
    });
    agent.destroy();
    const seconds = (performance.now() - begunAt) / 1_000;
    attacker.count("admitted", admitted);
    attacker.count("admitted over the rate", Math.max(0, admitted - 1.05 * (perSecond + perSecond * seconds)));
  },
});

const mapped = [
  "198.51.100.7",
  "::ffff:198.51.100.7",
  "::FFFF:198.51.100.7",
  "::ffff:c633:6407",
  "0:0:0:0:0:ffff:c633:6407",
  "0000:0000:0000:0000:0000:FFFF:198.51.100.7",
  "0::ffff:c633:6407",
  " 198.51.100.7 ",
];
/** Addresses of 6to4, Teredo and NAT64 that carry the same IPv4 address. */
const carrying = [
  "2002:c633:6407:1::1",
  "2002:c633:6407:2::1",
  "2001:0:c000:201:0:63bf:39cc:9bf8",
  "2001:0:c000:202:0:63bf:39cc:9bf8",
  "64:ff9b::198.51.100.7",
];
const spelled = [
  "2001:db8:0:1::7",
  "2001:DB8:0:1::7",
  "2001:0db8:0000:0001:0000:0000:0000:0007",
  "2001:db8:0:1:0:0:0:7",
  "2001:db8::1:0:0:0:7",
  "2001:db8:0:1::0.0.0.7",
  "2001:db8:0:1::7%eth0",
  "2001:db8:0:1:0::7",
];
const of = (list: readonly string[]) => (index: number) => list[index % list.length] as string;

/** One client with many addresses, behind a trusted balancer. */
export const addressAttacks = (stack: () => TestStack): readonly Attack[] => [
  flood(stack, "opens sessions from 2,000 addresses of one /64", (index) => {
    return `2001:db8:0:2:${index.toString(16)}:${(index * 7).toString(16)}::1`;
  }),
  flood(
    stack,
    "opens sessions from an IPv4 address in spellings, mappings and transitions",
    of([...mapped, ...carrying]),
  ),
  flood(stack, "opens sessions from eight spellings of an IPv6 address", of(spelled)),
];
