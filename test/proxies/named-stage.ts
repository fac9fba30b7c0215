import { freePort } from "../support/free-port.ts";
import { type ProxyProgram, startProxyProgram } from "../support/proxy.ts";
import { openTunnel } from "../support/raw-socket.ts";
import { startUpstream, type Upstream } from "../support/upstream.ts";
import { type NameServer, startNameServer } from "./name-server.ts";

/** `REPLICAS` of a replica whose name is `<id>.test`. */
export const at = (id: string, port: number) => `${id}=http://${id}.test:${port}|http://${id}.test:${port}/readyz`;

/** Opens a tunnel that belongs to a session of this replica. It is read: a paused socket would not see its end. */
export const tunnelTo = async (proxy: ProxyProgram, id: string) =>
  (await openTunnel(proxy.port, `/socket.io/?EIO=4&transport=websocket&sid=${id}.x`)).socket.resume();

/** The existing samples of ejections. */
export const ejections = async (proxy: ProxyProgram): Promise<string[]> =>
  (await (await fetch(`${proxy.admin}/metrics`)).text()).match(/^proxy_replica_ejections_total\{.*$/gm) ?? [];

/** Starts the servers of a test and ends them with the stage. */
export function openStage() {
  const disposables: AsyncDisposable[] = [];
  const owned = <T extends AsyncDisposable>(one: T): T => {
    disposables.push(one);
    return one;
  };
  const stage = {
    names: async (names: Record<string, string[]>) => owned(await startNameServer(names)),
    replica: async (id: string, host: string, port: number) => owned(await startUpstream(id, { host, port })),
    proxy: async (names: NameServer, replicas: string, env: Record<string, string> = {}) =>
      owned(await startProxyProgram([], { REPLICAS: replicas, RESOLVER: names.address, ...env })),
    /** Two replicas with one port at two addresses, behind a proxy that resolves their names. */
    async twoByName(env: Record<string, string> = {}) {
      const port = await freePort();
      const names = await stage.names({ "signaling-1.test": ["127.0.0.1"], "signaling-2.test": ["127.0.0.2"] });
      const first = await stage.replica("signaling-1", "127.0.0.1", port);
      const second = await stage.replica("signaling-2", "127.0.0.2", port);
      const proxy = await stage.proxy(names, [first, second].map(({ id }) => at(id, port)).join(","), env);
      return { port, names, first, second, proxy };
    },
    async end(one: Upstream) {
      disposables.splice(disposables.indexOf(one), 1);
      await one[Symbol.asyncDispose]();
    },
    async [Symbol.asyncDispose]() {
      for (const one of disposables.splice(0)) await one[Symbol.asyncDispose]();
    },
  };
  return stage;
}
