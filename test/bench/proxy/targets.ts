import { type ChildProcess, spawn } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { nodeFlags } from "../../../ops/process/node-flags.ts";
import { until } from "../../support/poll.ts";

/** A measured target: a running proxy, or `direct` for none. */
export interface Target {
  name: "direct" | "ours" | "tuning off" | "before" | "haproxy" | "nginx" | "http-proxy";
  port: number;
  /** CPU time of all its processes so far, seconds. */
  cpuSeconds(): number;
  rssBytes(): number;
  /** This proxy never ejects the last replica on time-outs, so it gets a second one. */
  beforeCut?(): Promise<unknown>;
  stop(): void;
}

const here = import.meta.dirname;

/** Starts a program that ends with this one. It uses SIGTERM, because a killed nginx leaves its worker behind. */
export function start(command: string, args: readonly string[], env: Record<string, string> = {}): ChildProcess {
  const child = spawn(command, args, { env: { ...process.env, ...env }, stdio: ["ignore", "ignore", "inherit"] });
  process.once("exit", () => child.kill("SIGTERM"));
  child.once("error", (error) => {
    throw new Error(`${command} cannot be started (apt-get install haproxy nginx-light): ${error.message}`);
  });
  return child;
}

function target(name: Target["name"], port: number, child?: ChildProcess): Target {
  const pids = () => (child?.pid === undefined ? [] : [child.pid, ...childrenOf(child.pid)]);
  const sum = (read: (pid: number) => number) => pids().reduce((total, pid) => total + read(pid), 0);
  return {
    name,
    port,
    cpuSeconds: () => sum(cpuOf),
    rssBytes: () =>
      sum((pid) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) * 1_024),
    stop: () => void child?.kill("SIGTERM"),
  };
}

/**
 * CPU time of all threads so far, seconds. The kernel's schedstat counts in nanoseconds; proc(5)'s stat in hundredths of
 * a second, which is 3 % of three seconds of 8,000 messages each.
 */
function cpuOf(pid: number): number {
  const tasks = readdirSync(`/proc/${pid}/task`);
  const nanoseconds = tasks.map((task) =>
    Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, "utf8").split(" ")[0]),
  );
  return nanoseconds.reduce((total, one) => total + one, 0) / 1e9;
}

function childrenOf(pid: number): number[] {
  return readdirSync(`/proc/${pid}/task`).flatMap((task) =>
    readFileSync(`/proc/${pid}/task/${task}/children`, "utf8").trim().split(" ").filter(Boolean).map(Number),
  );
}

/**
 * Starts proxies in front of the upstream at `upstreamPort`, on the ports from `firstPort` on.
 *
 * @param choice.before folder of another checkout of this project: its proxy is one more target
 * @param choice.only names of the targets to start; empty: all
 */
export async function startTargets(
  dir: string,
  upstreamPort: number,
  firstPort: number,
  choice: { before: string | undefined; only: readonly string[] },
): Promise<Target[]> {
  const [ours, admin, haproxy, nginx, stock, before, beforeAdmin] = [0, 1, 2, 3, 4, 5, 6].map(
    (offset) => firstPort + offset,
  ) as [number, number, number, number, number, number, number];
  const [untuned, untunedAdmin] = [firstPort + 7, firstPort + 8];
  const upstream = `127.0.0.1:${upstreamPort}`;
  writeFileSync(join(dir, "haproxy.cfg"), haproxyConfig(haproxy, upstream));
  writeFileSync(join(dir, "nginx.conf"), nginxConfig(dir, nginx, upstream));
  const starts: Record<Target["name"], () => Target> = {
    direct: () => target("direct", upstreamPort),
    ours: () => ({
      ...target("ours", ours, startProxy(join(here, "../../.."), upstream, ours, admin)),
      beforeCut: () => addReplica(admin, haproxy),
    }),
    "tuning off": () => ({
      ...target("tuning off", untuned, startProxy(join(here, "../../.."), upstream, untuned, untunedAdmin, "off")),
      beforeCut: () => addReplica(untunedAdmin, haproxy),
    }),
    before: () => ({
      ...target("before", before, startProxy(choice.before ?? "", upstream, before, beforeAdmin)),
      beforeCut: () => addReplica(beforeAdmin, haproxy),
    }),
    haproxy: () => target("haproxy", haproxy, start("haproxy", ["-q", "-db", "-f", join(dir, "haproxy.cfg")])),
    nginx: () => target("nginx", nginx, start("nginx", ["-c", join(dir, "nginx.conf"), "-g", "daemon off;"])),
    "http-proxy": () => {
      const args = ["--no-deprecation", join(here, "stock-http-proxy.ts"), String(stock), `http://${upstream}`];
      return target("http-proxy", stock, start(process.execPath, args));
    },
  };
  const names = (Object.keys(starts) as Target["name"][]).filter((name) =>
    name === "before" ? choice.before !== undefined : choice.only.length === 0 || choice.only.includes(name),
  );
  const targets = names.map((name) => starts[name]());
  for (const { name, port } of targets)
    await until(`${name} answers`, async () => (await fetch(`http://127.0.0.1:${port}/socket.io/?EIO=4`)).ok);
  return targets;
}

/** The proxy of the checkout in `root`, with limits that a load from one address does not meet. */
function startProxy(
  root: string,
  upstream: string,
  port: number,
  adminPort: number,
  tuning: "on" | "off" = "on",
): ChildProcess {
  const flags = tuning === "on" ? nodeFlags : [];
  return start(process.execPath, [...flags, join(root, "proxy/main.ts")], {
    PROXY_TUNING: tuning,
    REPLICAS: `signaling-1=http://${upstream}|http://${upstream}/readyz`,
    LOG_LEVEL: "warn",
    PROXY_PORT: String(port),
    PROXY_ADMIN_PORT: String(adminPort),
    STICKY_SECRET: "bench",
    ADMIT_PER_SECOND: "100000",
    MAX_SESSIONS_PER_CLIENT_PER_SECOND: "1000000",
    MAX_CONNECTIONS_PER_CLIENT: "100000",
  });
}

/** A second replica, reached through HAProxy, so that no other upstream is needed. It is always ready. */
function addReplica(admin: number, port: number): Promise<Response> {
  return fetch(`http://127.0.0.1:${admin}/replicas/spare`, {
    method: "PUT",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ url: `http://127.0.0.1:${port}`, readyUrl: `http://127.0.0.1:${admin}/healthz` }),
  });
}

/** One thread, with a cookie like this proxy's, and with health checks that find a frozen replica. */
const haproxyConfig = (port: number, upstream: string) => `global
  nbthread 1
  maxconn 9000
defaults
  mode http
  option forwardfor
  timeout connect 3s
  timeout client 60s
  timeout server 60s
  timeout tunnel 1h
frontend public
  bind 127.0.0.1:${port}
  default_backend signaling
backend signaling
  cookie sticky insert indirect nocache httponly
  option httpchk GET /readyz
  default-server inter 500 fall 2 rise 2 on-marked-down shutdown-sessions
  server signaling-1 ${upstream} check cookie signaling-1
`;

const nginxConfig = (dir: string, port: number, upstream: string) => `worker_processes 1;
pid ${dir}/nginx.pid;
error_log ${dir}/nginx-error.log;
events { worker_connections 9000; }
http {
  access_log off;
  client_body_temp_path ${dir}; proxy_temp_path ${dir}; fastcgi_temp_path ${dir};
  uwsgi_temp_path ${dir}; scgi_temp_path ${dir};
  map $http_upgrade $connection_upgrade { default upgrade; '' ''; }
  upstream signaling { server ${upstream}; keepalive 256; }
  keepalive_requests 1000000;
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location / {
      proxy_pass http://signaling;
      proxy_http_version 1.1;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $connection_upgrade;
      proxy_set_header X-Forwarded-For $remote_addr;
      proxy_read_timeout 1h;
    }
  }
}
`;
