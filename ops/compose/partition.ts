import type Docker from "dockerode";
import type { Containers } from "./containers.ts";

const backplane = "backplane";

/** Removes containers from the backplane's network and reconnects them, like a pulled cable. */
export function createPartitions(docker: Docker, containers: Containers) {
  async function attached(service: string) {
    const { id } = await containers.find(service);
    const network = await containers.network(backplane);
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
      // Other containers resolve it by this name.
      if (!present) await network.network.connect({ Container: id, EndpointConfig: { Aliases: [service] } });
      return { changed: !present, network: network.name };
    },
    /** True where the service is off the backplane. */
    isCut: async (service: string) => !(await attached(service)).present,
  };
}
