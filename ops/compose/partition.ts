import type Docker from "dockerode";
import { CannotError } from "../engine.ts";
import type { Containers } from "./containers.ts";

/** The network that a partition takes a service off: the backplane; for the proxy, the one to its replicas. */
function networkOf(service: string): string {
  if (service === "proxy") return "signaling";
  if (service === "redis" || service.startsWith("signaling-")) return "backplane";
  throw new CannotError(`${service} cannot be partitioned: it carries no calls`);
}

/** Cuts containers off a network and back on it, as a pulled cable would. */
export function createPartitions(docker: Docker, containers: Containers) {
  async function attached(service: string) {
    const { id } = await containers.find(service);
    const network = await containers.network(networkOf(service));
    const { NetworkSettings } = await docker.getContainer(id).inspect();
    return { id, network, present: NetworkSettings.Networks[network.name] !== undefined };
  }
  return {
    async cut(service: string) {
      const { id, network, present } = await attached(service);
      if (present) await network.network.disconnect({ Container: id });
      return { changed: present, network: network.name };
    },
    async mend(service: string) {
      const { id, network, present } = await attached(service);
      // Its name there is what the others look it up by.
      if (!present) await network.network.connect({ Container: id, EndpointConfig: { Aliases: [service] } });
      return { changed: !present, network: network.name };
    },
    /** True where the service is off its network. */
    isCut: async (service: string) => !(await attached(service)).present,
  };
}
