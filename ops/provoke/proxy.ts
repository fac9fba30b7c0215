import { changeAdmin } from "../stack/http.ts";
import { awaitReady, replicaTable } from "../stack/replica-table.ts";
import { registerReplicas } from "../stack/scale.ts";
import { pause } from "../wait/pause.ts";
import { beginLoad, endLoad } from "./load.ts";
import type { Provocation, ProvokeContext } from "./provocation.ts";

/** A request of an Engine.IO client. Its answer does not matter. */
async function poll({ stack }: ProvokeContext, sid?: string): Promise<void> {
  const query = new URLSearchParams({ EIO: "4", transport: "polling", ...(sid === undefined ? {} : { sid }) });
  const url = `${stack.engine.endpoints.proxy}/socket.io/?${query}`;
  const response = await fetch(url, { signal: AbortSignal.timeout(2_000) });
  await response.body?.cancel();
}

async function polls(context: ProvokeContext, sid?: string): Promise<void> {
  for (let n = 0; n < 5; n += 1) {
    await poll(context, sid);
    await pause(180, context.signal);
  }
}

/** A module with which the system's resolver knows each name once. */
const forgetfulResolver = `--import=data:text/javascript,${encodeURIComponent(
  `import dns from "node:dns/promises";
import { syncBuiltinESMExports } from "node:module";
const { lookup } = dns;
const known = new Set();
dns.lookup = async (name, options) => {
  if (known.has(name)) throw Object.assign(new Error("provoked"), { code: "EAI_AGAIN" });
  const addresses = await lookup(name, options);
  known.add(name);
  return addresses;
};
syncBuiltinESMExports();`,
)}`;

/** Gives the first proxy names for the replicas that the engine gives by address, or takes them back. */
async function putReplicas({ stack: { engine } }: Pick<ProvokeContext, "stack">, isByName: boolean): Promise<void> {
  const { endpoints } = engine;
  const address = "//127.0.0.1:";
  const named = (url: string) => (isByName ? url.replace(address, "//localhost:") : url);
  for (const { id } of await replicaTable(endpoints)) {
    const { url, readyUrl } = engine.replicaUrls(id);
    // Putting an entry again would resolve it again.
    if (!url.includes(address)) continue;
    const body = { url: named(url), readyUrl: named(readyUrl) };
    await changeAdmin(endpoints, "PUT", `${endpoints.proxyAdmin}/replicas/${id}`, body);
  }
}

/** Provocations of the alerts about the proxy, and of the reconnect storm after dropped tunnels. */
export const proxyProvocations: Readonly<Record<string, Provocation>> = {
  ProxyDown: {
    how: "kills the proxy",
    begin: async ({ act }) => void (await act("kill", "proxy")),
    withinSeconds: 30,
  },
  BalancerDown: {
    how: "kills the balancer of PROXIES=2",
    begin: async ({ act }) => void (await act("kill", "balancer")),
    withinSeconds: 30,
  },
  ProxyEjections: {
    how: "freezes signaling-2 until it is ejected, twice",
    async begin({ stack }) {
      for (const _ of [1, 2]) {
        await stack.engine.pause("signaling-2");
        await pause(4_000);
        await stack.engine.resume("signaling-2");
        await awaitReady(stack.engine.endpoints, ["signaling-2"]);
      }
    },
    withinSeconds: 60,
  },
  ProxyUnknownSessions: {
    how: "kills signaling-2, and polls five times a second with a session of it",
    begin: async ({ act }) => void (await act("kill", "signaling-2")),
    goOn: (context) => polls(context, "signaling-2.provoked-session-000000"),
    withinSeconds: 75,
  },
  ProxyRejecting: {
    how: "restarts the proxy with MAX_SESSIONS_PER_CLIENT_PER_SECOND=1, and opens five sessions a second",
    async begin({ stack }) {
      await stack.engine.restart("proxy", { MAX_SESSIONS_PER_CLIENT_PER_SECOND: "1" });
      await registerReplicas(stack);
    },
    goOn: (context) => polls(context),
    end: async ({ stack }) => void (await stack.engine.restart("proxy")),
    withinSeconds: 45,
  },
  ProxyStaleNames: {
    how: "restarts the proxy with a resolver that knows each name once",
    async begin(context) {
      await context.stack.engine.restart("proxy", { NODE_OPTIONS: forgetfulResolver, RESOLVER: "" });
      // The process engine has addresses where compose has names.
      await putReplicas(context, true);
    },
    async end(context) {
      await context.stack.engine.restart("proxy");
      await putReplicas(context, false);
    },
    withinSeconds: 60,
  },
  SignalingReconnectStorm: {
    how: "puts 80 peers on the stack and drops every tunnel at once",
    async begin(context) {
      await beginLoad(context, 40);
      // Waits for two scrapes, because the alert compares the storm with the number of tunnels before it.
      await pause(11_000, context.signal);
      await changeAdmin(
        context.stack.engine.endpoints,
        "POST",
        `${context.stack.engine.endpoints.proxyAdmin}/tunnels/drop`,
        {},
      );
    },
    end: endLoad,
    withinSeconds: 45,
  },
};
