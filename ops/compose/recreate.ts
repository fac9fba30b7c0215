import type Docker from "dockerode";

/** Label that keeps compose.yaml's environment while an override is in force. */
const originalLabel = "hold-the-line.original-env";

/** Docker's description of a container, from which a new one is made. */
type Inspected = Docker.ContainerInspectInfo;

/** The environment `env` laid over `original`, both as Docker has them. */
export function overlay(original: readonly string[], env: Readonly<Record<string, string>>): string[] {
  const kept = original.filter((line) => env[line.slice(0, line.indexOf("="))] === undefined);
  return [...kept, ...Object.entries(env).map(([name, value]) => `${name}=${value}`)];
}

/** True if the container's environment differs from compose.yaml's. */
export function isOverridden({ Config }: Inspected): boolean {
  return Config.Labels[originalLabel] !== undefined;
}

/**
 * Replaces a stopped container by one with another environment, because Docker cannot change a container's environment.
 * Without `env` the new container gets compose.yaml's. Returns the new container, not started.
 */
export async function recreate(
  docker: Docker,
  old: Docker.Container,
  inspected: Inspected,
  env: Readonly<Record<string, string>>,
): Promise<Docker.Container> {
  const { Config, HostConfig, Name, NetworkSettings } = inspected;
  const original = (
    Config.Labels[originalLabel] === undefined ? Config.Env : JSON.parse(Config.Labels[originalLabel])
  ) as string[];
  const { [originalLabel]: _, ...labels } = Config.Labels;
  const overridden = Object.keys(env).length > 0;
  await old.remove();
  return docker.createContainer({
    ...Config,
    name: Name.replace(/^\//, ""),
    Env: overlay(original, env),
    Labels: overridden ? { ...labels, [originalLabel]: JSON.stringify(original) } : labels,
    HostConfig,
    NetworkingConfig: {
      EndpointsConfig: Object.fromEntries(
        Object.entries(NetworkSettings.Networks).map(([network, settings]) => [
          network,
          // Names and priority stay; Docker gives new addresses.
          { ...settings, Aliases: settings.Aliases ?? [], IPAddress: "", Gateway: "", EndpointID: "", MacAddress: "" },
        ]),
      ),
    },
  });
}
