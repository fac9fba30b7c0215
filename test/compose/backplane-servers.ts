import { expect } from "vitest";
import { type ComposeStack, docker } from "./compose-stack.ts";
import { confined, confinement } from "./container-facts.ts";

/** The backplane's servers, each as closed as every service, and only on the network of the backplane. */
export function expectConfined(stack: ComposeStack, servers: readonly string[]): void {
  const containers = stack.inspect();
  for (const service of servers) {
    const container = containers.get(service);
    if (container === undefined) throw new Error(`no container of ${service}`);
    const networks = Object.keys(container.NetworkSettings.Networks);
    const published = docker("port", container.Id);
    expect({ service, networks, published, ...confinement(container) }).toEqual({
      service,
      networks: [`${stack.name}_backplane`],
      published: "",
      ...confined,
    });
  }
}

/** What `make status` says of each Redis server: `redis-2 copy`. */
export async function redisRoles(stack: ComposeStack): Promise<Record<string, string>> {
  const said = await stack.make("status", "JSON=1");
  const { services } = JSON.parse(said.slice(said.indexOf("{"))) as { services: { id: string; role?: string }[] };
  return Object.fromEntries(services.flatMap(({ id, role }) => (role === undefined ? [] : [[id, role]])));
}

/** True if every replica says this of itself: `ready`, `degraded`. */
export async function allAre(stack: ComposeStack, wanted: string): Promise<boolean> {
  return (await stack.replicas()).every(({ state }) => state === wanted);
}

/** No replica has ended and was started again. */
export function expectNoneRestarted(stack: ComposeStack): void {
  const containers = stack.inspect();
  for (const id of ["signaling-1", "signaling-2", "signaling-3"]) expect(containers.get(id)?.RestartCount).toBe(0);
}

/** Kills these servers and starts them in the opposite order, so that they get other addresses. */
export function restartElsewhere(stack: ComposeStack, servers: readonly string[]): void {
  const addresses = () => {
    const containers = stack.inspect();
    return servers.map((id) => containers.get(id)?.NetworkSettings.Networks[`${stack.name}_backplane`]?.IPAddress);
  };
  const before = addresses();
  const containers = stack.inspect();
  const ids = servers.map((id) => containers.get(id)?.Id ?? "");
  docker("kill", ...ids);
  docker("start", ...ids.reverse());
  expect(addresses()).not.toEqual(before);
}
