import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { portsOf } from "../ports.ts";
import { createProcessEngine, type Processes } from "./engine.ts";
import type { ProcessIdentity, ProcessState } from "./identity.ts";
import { openStateDir } from "./state-dir.ts";

/** A stack whose processes exist in this test alone. Every change is noted in `done`. */
function fakeStack(services: readonly string[]) {
  const root = mkdtempSync(join(tmpdir(), "engine-"));
  const state = openStateDir(root, "blue");
  state.create();
  const done: string[] = [];
  const alive = new Map<number, ProcessState>();
  let pid = 100;
  const begin = (): ProcessIdentity => {
    pid += 1;
    alive.set(pid, "running");
    return { pid, startedAt: "now" };
  };
  const stateOf = (identity: ProcessIdentity) => alive.get(identity.pid) ?? "gone";
  const end = (verb: string) => async (record: { id: string; process: ProcessIdentity | null }) => {
    if (record.process === null || stateOf(record.process) === "gone") return false;
    done.push(`${verb} ${record.id}`);
    return alive.delete(record.process.pid);
  };
  const processes: Processes = {
    stateOf,
    terminate: end("terminate"),
    destroy: end("destroy"),
    signal: (identity, name) => {
      done.push(`${name} ${identity.pid}`);
      alive.set(identity.pid, name === "SIGSTOP" ? "paused" : "running");
      return true;
    },
    launch: async (dir, id, launch) => {
      done.push(`launch ${id} ${JSON.stringify(launch.env)}`);
      const record = { id, launch, process: begin() };
      dir.saveService(record);
      return record;
    },
  };
  for (const id of services)
    state.saveService({ id, launch: { command: "node", args: [`${id}.ts`], env: { A: "1" } }, process: begin() });
  const layout = { root, dir: state.dir, port: portsOf(0, {}), settings: {}, app: undefined };
  const engine = createProcessEngine({ stack: "blue", state, layout, baseEnv: {}, processes });
  return { engine, done, state };
}

const pidOf = ({ state }: ReturnType<typeof fakeStack>, id: string) => state.service(id)?.process?.pid;

test("services come from the record, with the state of their processes", async () => {
  const stack = fakeStack(["proxy", "redis", "signaling-1"]);
  await stack.engine.kill("redis");
  await stack.engine.pause("proxy");
  expect((await stack.engine.services()).map(({ id, state }) => `${id} ${state}`)).toEqual([
    "proxy paused",
    "redis stopped",
    "signaling-1 running",
  ]);
});

test("kill, start, pause and resume print the equivalent command, and a repetition changes nothing", async () => {
  const stack = fakeStack(["proxy"]);
  const { engine, done } = stack;
  const first = pidOf(stack, "proxy");
  expect(await engine.kill("proxy")).toEqual({ changed: true, typed: `kill -9 ${first}` });
  expect(await engine.kill("proxy")).toMatchObject({ changed: false });
  expect(await engine.start("proxy")).toEqual({ changed: true, typed: "A=1 node proxy.ts" });
  expect(await engine.start("proxy")).toMatchObject({ changed: false });
  const second = pidOf(stack, "proxy");
  expect(await engine.pause("proxy")).toEqual({ changed: true, typed: `kill -STOP ${second}` });
  expect(await engine.pause("proxy")).toMatchObject({ changed: false });
  expect(await engine.resume("proxy")).toEqual({ changed: true, typed: `kill -CONT ${second}` });
  expect(done).toEqual(["destroy proxy", 'launch proxy {"A":"1"}', `SIGSTOP ${second}`, `SIGCONT ${second}`]);
});

test("settings of a restart last until the next one", async () => {
  const stack = fakeStack(["signaling-2"]);
  await stack.engine.restart("signaling-2", { A: "override" });
  await stack.engine.restart("signaling-2");
  expect(stack.done.filter((line) => line.startsWith("launch"))).toEqual([
    'launch signaling-2 {"A":"override"}',
    'launch signaling-2 {"A":"1"}',
  ]);
});

test("an impossible action is refused in one line", async () => {
  const { engine } = fakeStack(["proxy", "redis"]);
  await engine.kill("proxy");
  await expect(engine.pause("proxy")).rejects.toThrow("proxy is not running: start it first");
  await expect(engine.kill("signaling-9")).rejects.toThrow("no service signaling-9: proxy, redis");
  await expect(engine.crash("proxy")).rejects.toThrow("no restart policy");
  await expect(engine.partition("proxy")).rejects.toThrow("proxy has no link to the backplane");
  await expect(fakeStack([]).engine.kill("proxy")).rejects.toThrow('the stack "blue" is not up: make up');
});

test("without links no service is impaired", async () => {
  const { engine } = fakeStack(["links"]);
  await engine.kill("links");
  expect(await engine.impaired()).toEqual([]);
});

test("the exit code is 0 if the last log line reports an orderly end, else unknown", async () => {
  const { engine, state } = fakeStack(["proxy"]);
  writeFileSync(state.logPath("proxy"), '{"msg":"shutting down"}\n{"msg":"closed"}\n');
  expect(await engine.exitCode("proxy")).toBeUndefined();
  await engine.stop("proxy");
  expect(await engine.exitCode("proxy")).toBe(0);
  writeFileSync(state.logPath("proxy"), '{"msg":"uncaught error, exiting"}\n');
  expect(await engine.exitCode("proxy")).toBeUndefined();
});
