import { execFile, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import type { CallsReport, CallsRequest } from "../../../common/calls.ts";
import { newRunId } from "../../../common/calls.ts";
import { askAdmin, changeAdmin } from "../../../ops/stack/http.ts";
import { until } from "../../support/poll.ts";
import { render } from "../manifests/objects.ts";
import { forOldCluster } from "./old-cluster.ts";

const root = join(import.meta.dirname, "../../..");
const namespace = "hold-the-line";
const run = promisify(execFile);

interface Pod {
  metadata: { name: string; uid: string; labels: Record<string, string>; deletionTimestamp?: string };
  status: { conditions?: { type: string; status: string }[]; containerStatuses?: { restartCount: number }[] };
}

/** A stack in the namespace `hold-the-line` of the cluster that KUBECONFIG names. */
export interface KubernetesStack {
  /** URL of the proxies' Service. */
  url: string;
  /** What was changed for the cluster's old version. */
  changes: string[];
  kubectl(...args: string[]): Promise<string>;
  /** Names of the ready pods of an app, without those that are being deleted. */
  ready(app: string): Promise<string[]>;
  pods(app: string): Promise<Pod[]>;
  /** SIGKILL of the program in a pod. The kubelet starts it again. */
  kill(pod: string, program: string): Promise<void>;
  /** Sends JSON to a pod's admin listener, through a port-forward of its own. */
  admin<T>(target: string, method: "GET" | "POST", path: string): Promise<T>;
  /** Holds calls and resolves when all are established. */
  hold(request: Partial<CallsRequest>): Promise<HeldCalls>;
}

export interface HeldCalls {
  /** The report of what happened since `since`, epoch ms. */
  report(since: number): Promise<CallsReport>;
  end(): Promise<CallsReport>;
}

/** Runs kubectl in the stack's namespace; returns what it printed. Rejects with its error. */
async function kubectl(...args: string[]): Promise<string> {
  const program = process.env["KUBECTL"];
  if (program === undefined) throw new Error("KUBECTL is not set: run make test-kubernetes");
  const { stdout } = await run(program, ["--namespace", namespace, ...args], { maxBuffer: 16 << 20 });
  return stdout.trim();
}

/** Deletes the stack's namespace, and resolves when all in it has gone. */
export async function remove(): Promise<void> {
  // Kubernetes looks after a namespace only now and then while pods end in it.
  await kubectl("delete", "deployments,statefulsets", "--all", "--cascade=foreground", "--timeout=120s");
  await kubectl("delete", "namespace", namespace, "--timeout=120s");
}

/** Runs kubectl with `input`. */
export function kubectlWith(input: string, ...args: string[]): string {
  return execFileSync(process.env["KUBECTL"] ?? "kubectl", ["--namespace", namespace, ...args], {
    input,
    encoding: "utf8",
    stdio: ["pipe", "pipe", "pipe"],
  });
}

/** A port-forward to a pod or Service. It ends with the block: `await using`. */
export async function forward(target: string, port: number): Promise<{ url: string } & AsyncDisposable> {
  const child = spawn(
    process.env["KUBECTL"] ?? "kubectl",
    ["--namespace", namespace, "port-forward", target, `:${port}`],
    {
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  const exited = once(child, "exit");
  let local: string | undefined;
  for await (const line of createInterface(child.stdout)) {
    local = /127\.0\.0\.1:(\d+)/.exec(line)?.[1];
    if (local !== undefined) break;
  }
  if (local === undefined) throw new Error(`port-forward ${target} ended`);
  return {
    url: `http://127.0.0.1:${local}`,
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await exited;
    },
  };
}

/** Deploys an overlay of this folder, and resolves when every workload is ready. */
export async function deploy(overlay: "overlay" | "components" | "nats"): Promise<KubernetesStack> {
  const { objects, changes } = forOldCluster(render(`../../test/kubernetes/stack/${overlay}`).objects);
  const secret = execFileSync("sh", [join(root, "deploy/kubernetes/secret.sh")], { encoding: "utf8" });
  // The namespace and the Secret come first.
  const first = objects.filter(({ kind }) => kind === "Namespace");
  kubectlWith(JSON.stringify({ apiVersion: "v1", kind: "List", items: first }), "apply", "--filename", "-");
  kubectlWith(secret, "apply", "--filename", "-");
  kubectlWith(JSON.stringify({ apiVersion: "v1", kind: "List", items: objects }), "apply", "--filename", "-");
  for (const { kind, metadata } of objects.filter(({ spec }) => spec?.template !== undefined))
    await kubectl("rollout", "status", `${kind}/${metadata.name}`, "--timeout=150s");
  const adminToken = token();
  const address = await kubectl("get", "service", "proxy", "--output", "jsonpath={.spec.clusterIP}");
  const pods = async (app: string) =>
    (JSON.parse(await kubectl("get", "pods", "--selector", `app=${app}`, "--output", "json")) as { items: Pod[] })
      .items;
  return {
    url: `http://${address}`,
    changes,
    kubectl,
    pods,
    async ready(app) {
      return (await pods(app))
        .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
        .filter(({ status }) => status.conditions?.some((one) => one.type === "Ready" && one.status === "True"))
        .map(({ metadata }) => metadata.name);
    },
    async kill(pod, program) {
      const command = `for p in /proc/[0-9]*; do case $(tr '\\0' ' ' <$p/cmdline) in ${program}*) kill -9 \${p#/proc/} ;; esac; done`;
      // The exec may end with the container.
      await kubectl("exec", pod, "--", "sh", "-c", command).catch((error: Error) => {
        if (!/exit code 137|error: /.test(error.message)) throw error;
      });
    },
    async admin<T>(target: string, method: "GET" | "POST", path: string): Promise<T> {
      await using way = await forward(target, 9100);
      return method === "GET"
        ? await askAdmin<T>(`${way.url}${path}`, 10_000)
        : await changeAdmin<T>({ adminToken }, method, `${way.url}${path}`, {}, 10_000);
    },
    async hold(request) {
      const way = await forward("service/caller", 9100);
      const id = newRunId();
      const calls = request.calls ?? 1;
      await changeAdmin({ adminToken }, "POST", `${way.url}/calls`, { ...request, run: id });
      const report = (since: number) => askAdmin<CallsReport>(`${way.url}/calls/${id}?since=${since}`, 10_000);
      await until(`${calls} calls are established`, async () => (await report(0)).calls.established === calls, {
        withinMs: 60_000,
        everyMs: 500,
      });
      return {
        report,
        async end() {
          const last = await changeAdmin<CallsReport>(
            { adminToken },
            "DELETE",
            `${way.url}/calls/${id}`,
            undefined,
            20_000,
          );
          await way[Symbol.asyncDispose]();
          return last;
        },
      };
    },
  };
}

/** The admin token that the Secret holds. */
function token(): string {
  const encoded = kubectlWith("", "get", "secret", "hold-the-line", "--output", "jsonpath={.data.admin_token}");
  return Buffer.from(encoded, "base64").toString("utf8");
}
