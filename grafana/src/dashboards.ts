import { backplane } from "./backplane.ts";
import { calls } from "./calls.ts";
import { drillLive } from "./drill-live.ts";
import { home } from "./home.ts";
import { proxy } from "./proxy.ts";
import { replicas } from "./replicas.ts";
import { runbooks } from "./runbooks.ts";

/** File name and JSON of every dashboard in grafana/dashboards. */
export function dashboards(): Map<string, string> {
  const built = { home, calls, "drill-live": drillLive, proxy, replicas, backplane, runbooks };
  return new Map(
    Object.entries(built).map(([name, build]) => [`${name}.json`, `${JSON.stringify(build(), null, 2)}\n`]),
  );
}
