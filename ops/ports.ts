import { readFileSync } from "node:fs";

/** Default host ports by variable, from ports.env (which ops/sh/common.sh reads too). */
export const defaultPorts: Readonly<Record<string, number>> = Object.fromEntries(
  readFileSync(new URL("ports.env", import.meta.url), "utf8")
    .split("\n")
    .flatMap((line) => {
      const [, name, port] = /^([A-Z0-9_]+)=(\d+)$/.exec(line) ?? [];
      return name === undefined ? [] : [[name, Number(port)] as const];
    }),
);

/** The most replicas a stack has ports for. */
export const maxReplicas = 5;

/** Looks a host port up by its variable's name. */
export type PortOf = (variable: string) => number;

/**
 * The host ports of a stack: each default plus `base`, unless `settings` has the variable.
 *
 * @throws Error for a port that ports.env does not have
 */
export function portsOf(base: number, settings: Readonly<Record<string, string | undefined>>): PortOf {
  return (variable) => {
    const wanted = settings[variable];
    if (wanted !== undefined && wanted !== "") return Number(wanted);
    const port = defaultPorts[variable];
    if (port === undefined) throw new Error(`ports.env has no ${variable}`);
    return port + base;
  };
}
