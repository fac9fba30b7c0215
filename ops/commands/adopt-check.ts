import { parseArgs } from "node:util";
import { checks, type Finding, type Subject } from "../app/adopt-checks.ts";
import { readApp } from "../app/app-file.ts";
import { checkEnd, checkFreeze, checkReturn, containerOf, processOf, type Signaled } from "../app/signal-checks.ts";
import { type Command, UsageError } from "../command.ts";
import { CannotError } from "../stack/engine.ts";

/**
 * `adopt-check --url http://…`: finds the parts of an application that break behind the proxy, and the line to change.
 */
export const adoptCheck: Command = {
  usage: "--url http://… [--app app.env] [--paths /a,/b] [--upload /path] [--slow /path] [--pid n|--container name]",
  summary: "does an application work behind this proxy: 0 yes, 1 something breaks",
  async run({ print, waitFor, config, signal }, args) {
    const { values } = parseArgs({
      args,
      options: {
        url: { type: "string" },
        app: { type: "string" },
        ready: { type: "string" },
        engine: { type: "string" },
        ws: { type: "string" },
        paths: { type: "string", default: "" },
        upload: { type: "string" },
        slow: { type: "string" },
        "idle-s": { type: "string", default: "30" },
        pid: { type: "string" },
        container: { type: "string" },
      },
    });
    const url = URL.parse(values.url ?? "");
    if (url === null || !url.protocol.startsWith("http"))
      throw new UsageError(`URL=${values.url ?? ""}: must be the http:// or https:// URL of a proxy or an application`);
    const file = values.app ?? config.APP;
    const app = file === undefined ? undefined : readApp(file);
    // A peer of the application's own speaks WebSocket, as far as is known here.
    const plainWebSocket = app !== undefined && !["engine", "signaling"].includes(app.peer.kind);
    const enginePath = values.engine ?? (plainWebSocket ? "" : (app?.engineIoPaths.split(",")[0] ?? "/socket.io/"));
    const subject: Subject = {
      url,
      readyUrl: new URL(values.ready ?? app?.readyPath ?? "/", url),
      enginePath: enginePath === "" ? undefined : enginePath,
      websocketPath: values.ws ?? (plainWebSocket ? (app.peer.path ?? "/") : undefined),
      paths: values.paths.split(",").filter((path) => path !== ""),
      uploadPath: values.upload,
      slowPath: values.slow,
      idleMs: seconds(values["idle-s"]) * 1_000,
    };
    let broken = 0;
    const interrupted = new Promise<undefined>((resolve) => {
      signal.addEventListener("abort", () => resolve(undefined), { once: true });
    });
    const tell = async (name: string, run: () => Promise<Finding>) => {
      if (signal.aborted) return;
      waitFor(name);
      const finding = await Promise.race([interrupted, found(run)]);
      if (finding === undefined) return;
      if (finding.kind === "breaks") broken += 1;
      print(
        `${finding.kind === "breaks" ? "BREAKS" : finding.kind === "ok" ? "ok    " : "-     "} ${name}: ${finding.kind === "not tried" ? "not tried: " : ""}${finding.said}`,
      );
      if (finding.kind === "breaks") print(`       change: ${finding.change}`);
    };
    const found = (run: () => Promise<Finding>): Promise<Finding> =>
      run().catch((error: Error) => ({
        kind: "breaks",
        said: `${error.message}${error.cause instanceof Error ? `: ${error.cause.message}` : ""}`,
        change: `the server at ${url.origin}`,
      }));
    await awaitAnswer(url);
    print(`checking ${url.origin}; an idle poll is watched for ${subject.idleMs / 1_000} s`);
    for (const { name, run } of checks) await tell(name, () => run(subject));
    const replica = replicaOf(values);
    const target = new URL(subject.websocketPath ?? subject.enginePath ?? "/", url);
    const none: Finding = {
      kind: "not tried",
      said: "no replica was named (PID= or CONTAINER=; it is frozen, then stopped)",
    };
    await tell("a frozen replica", async () => (replica === undefined ? none : checkFreeze(target, replica)));
    await tell("a replica that returns", async () => {
      if (replica === undefined) return none;
      if (subject.enginePath === undefined) return { kind: "not tried", said: "it has no Engine.IO path (ENGINE_IO=)" };
      return checkReturn(new URL(subject.enginePath, url), replica);
    });
    await tell("an orderly end", async () => (replica === undefined ? none : checkEnd(target, replica)));
    if (signal.aborted) {
      print("interrupted: the rest was not tried");
      return 1;
    }
    print(
      broken === 0 ? "nothing breaks" : `${broken} ${broken === 1 ? "thing breaks" : "things break"} (docs/adopt.md)`,
    );
    return broken === 0 ? 0 : 1;
  },
};

/** @throws CannotError where nothing listens: every check would say the same */
async function awaitAnswer(url: URL): Promise<void> {
  try {
    await (await fetch(url, { signal: AbortSignal.timeout(10_000) })).body?.cancel();
  } catch (error) {
    const { message, cause } = error as Error;
    throw new CannotError(`nothing answers at ${url.origin} (${cause instanceof Error ? cause.message : message})`);
  }
}

function replicaOf({
  pid,
  container,
}: {
  pid?: string | undefined;
  container?: string | undefined;
}): Signaled | undefined {
  if (container !== undefined) return containerOf(container);
  if (pid === undefined) return undefined;
  if (!/^[1-9]\d{0,9}$/.test(pid))
    throw new UsageError(`PID=${pid}: must be the pid of one replica of the application`);
  return processOf(Number(pid));
}

/** @throws UsageError if it is not a number of seconds */
function seconds(text: string): number {
  if (!/^\d{1,4}$/.test(text)) throw new UsageError(`IDLE_S=${text}: must be a whole number of seconds, 0 to 9999`);
  return Number(text);
}
