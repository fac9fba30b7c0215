import type Docker from "dockerode";
import { CannotError } from "../stack/engine.ts";

const projectLabel = "com.docker.compose.project";
const serviceLabel = "com.docker.compose.service";

export interface ServiceContainer {
  service: string;
  id: string;
  name: string;
  /** Docker's word: `created`, `running`, `paused`, `restarting`, `exited`, `dead`. */
  state: string;
}

/** The containers of one compose project, by service; one-off ones (`compose run`) do not belong to the stack. */
export function createContainers(docker: Docker, project: string) {
  const all = async (): Promise<ServiceContainer[]> => {
    const found = await docker.listContainers({ all: true, filters: { label: [`${projectLabel}=${project}`] } });
    return found
      .filter(({ Labels }) => Labels["com.docker.compose.oneoff"] !== "True")
      .map(({ Id, Names, State, Labels }) => ({
        service: Labels[serviceLabel] ?? "",
        id: Id,
        name: (Names[0] ?? "").replace(/^\//, ""),
        state: State,
      }))
      .sort((a, b) => a.service.localeCompare(b.service));
  };
  return {
    all,
    /** The container of a service, whatever its state. */
    async find(service: string): Promise<ServiceContainer> {
      const containers = await all();
      const found = containers.find((container) => container.service === service);
      if (found !== undefined) return found;
      if (containers.length === 0) throw new CannotError(`the stack "${project}" is not up: make up`);
      throw new CannotError(`no service ${service}: ${containers.map((container) => container.service).join(", ")}`);
    },
    /** The project's network of that name in compose.yaml. */
    async network(name: string) {
      const found = await docker.listNetworks({
        filters: { label: [`${projectLabel}=${project}`, `com.docker.compose.network=${name}`] },
      });
      const [network] = found;
      if (network === undefined) throw new CannotError(`the stack "${project}" has no network ${name}`);
      return { id: network.Id, name: network.Name, network: docker.getNetwork(network.Id) };
    },
  };
}

export type Containers = ReturnType<typeof createContainers>;
