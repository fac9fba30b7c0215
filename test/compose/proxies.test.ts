import { afterAll, beforeAll, expect, test } from "vitest";
import { proxyViews } from "../../ops/stack/replica-table.ts";
import { until } from "../support/poll.ts";
import { type ComposeStack, docker, startComposeStack } from "./compose-stack.ts";
import { confined, confinement } from "./container-facts.ts";
import { joinRoom } from "./peers.ts";

let stack: ComposeStack;
beforeAll(async () => {
  stack = await startComposeStack({ env: { PROXIES: "2", PROFILE: "minimal" } });
});
afterAll(async () => {
  await stack?.[Symbol.asyncDispose]();
});

const views = () =>
  proxyViews({ proxyAdmins: { proxy: stack.url("PROXY_ADMIN_PORT"), "proxy-2": stack.url("PROXY_2_ADMIN_PORT") } });
const tunnelsAt = async (proxy: string) =>
  ((await views())[proxy] ?? []).reduce((sum, { tunnels }) => sum + tunnels, 0);
/** What the second proxy's container finds at an address: the word that its connection ends with. */
const connectFrom = (service: string, host: string, port: number) => {
  const script = `const s=require("node:net").connect(${port},"${host}",()=>{console.log("open");s.destroy()});s.on("error",e=>console.log(e.code));setTimeout(()=>{console.log("timeout");process.exit()},3000).unref()`;
  return docker("exec", stack.inspect().get(service)?.Id ?? "", "node", "-e", script);
};

test("balancer and second proxy are as closed as every service, and only they reach the listeners for the PROXY protocol", () => {
  const containers = stack.inspect();
  for (const service of ["balancer", "proxy-2"]) {
    const container = containers.get(service);
    if (container === undefined) throw new Error(`no container of ${service}`);
    expect({ service, ...confinement(container) }).toEqual({ service, ...confined });
  }
  const balanced = `${stack.name}_balanced`;
  const on = [...containers].filter(([, { NetworkSettings }]) => NetworkSettings.Networks[balanced] !== undefined);
  expect(on.map(([service]) => service).sort()).toEqual(["balancer", "proxy", "proxy-2"]);
  const networks = containers.get("proxy")?.NetworkSettings.Networks ?? {};
  expect(connectFrom("proxy-2", networks[balanced]?.IPAddress ?? "", 8083)).toBe("open");
  for (const network of ["edge", "signaling", "monitoring"])
    expect(connectFrom("proxy-2", networks[`${stack.name}_${network}`]?.IPAddress ?? "", 8083)).toBe("ECONNREFUSED");
  expect(connectFrom("caller", networks[balanced]?.IPAddress ?? "", 8083)).not.toBe("open");
});

test("a killed proxy costs its clients alone a reconnect, and knows what was changed when it is back", async () => {
  const peers = await Promise.all(
    Array.from({ length: 6 }, () => joinRoom("two", { url: stack.url("PROXY_PORT"), transports: "websocket" })),
  );
  try {
    const carried = await tunnelsAt("proxy");
    expect(carried).toBeGreaterThan(0);
    expect(await tunnelsAt("proxy-2")).toBeGreaterThan(0);
    await stack.make("kill-proxy", "PROXY=2");
    await until("the peers are back", () => peers.every(({ client }) => client.state() === "joined"));
    await until("the other proxy has them", async () => (await tunnelsAt("proxy")) > carried);
    const moved = peers.filter(({ lost }) => lost() > 0);
    expect(moved.length).toBeGreaterThan(0);
    expect(moved.length).toBeLessThan(peers.length);
    for (const { outages } of moved) expect(Math.max(...outages)).toBeLessThan(3_000);

    await stack.make("scale", "N=4");
    // make start-proxy would tell the proxy; the table file must.
    docker("start", stack.inspect().get("proxy-2")?.Id ?? "");
    await until("the proxy that was down has the fourth replica", async () =>
      ((await views())["proxy-2"] ?? []).some(({ id, state }) => id === "signaling-4" && state === "ready"),
    );
  } finally {
    await Promise.all(peers.map(({ client }) => client.close()));
  }
});

test("make roll-proxies moves each peer through the other proxy, and none stays away", async () => {
  const peers = await Promise.all(
    Array.from({ length: 6 }, () => joinRoom("roll", { url: stack.url("PROXY_PORT"), transports: "websocket" })),
  );
  try {
    const told = await stack.make("roll-proxies");
    for (const id of ["proxy", "proxy-2"]) expect(told).toContain(`${id} is ready again after`);
    await until("every peer has moved and is back", () =>
      peers.every(({ client, lost }) => lost() > 0 && client.state() === "joined"),
    );
    for (const { outages } of peers) expect(Math.max(...outages)).toBeLessThan(3_000);
  } finally {
    await Promise.all(peers.map(({ client }) => client.close()));
  }
});

test("a killed balancer is a target too: the callers go on at their second address", async () => {
  await stack.make("kill-balancer");
  await until("the balancer is gone", () => stack.inspect().get("balancer")?.State.Running === false);
  const peer = await joinRoom("direct", { url: stack.url("PROXY_2_PORT") });
  await peer.client.close();
  await stack.make("heal");
  const again = await joinRoom("healed", { url: stack.url("PROXY_PORT") });
  await again.client.close();
});
