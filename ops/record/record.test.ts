import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openRecord } from "./record.ts";

const newDir = () => join(mkdtempSync(join(tmpdir(), "record-")), "deep");

test("an action is in the record once, for every reader, until it ends", () => {
  const dir = newDir();
  openRecord(dir).beginAction("pause", "redis");
  const [first] = openRecord(dir).read().actions;
  openRecord(dir).beginAction("pause", "redis");
  openRecord(dir).beginAction("kill", "signaling-1");
  expect(openRecord(dir).read().actions).toEqual([
    first,
    { action: "kill", target: "signaling-1", at: expect.any(String) },
  ]);
  expect(openRecord(dir).endActions(({ action }) => action === "pause")).toEqual([first]);
  expect(openRecord(dir).read().actions).toHaveLength(1);
});

test("actions, a drill and provocations share one file, which is deleted when no fault is in force", () => {
  const dir = newDir();
  const record = openRecord(dir);
  record.beginAction("kill", "redis");
  record.beginDrill({ drill: "kill-node", pid: 1, run: "r1", undo: [{ do: "heal" }] });
  record.saveProvocation("ProxyDown", new Map([["run", "r2"]]));
  expect(readdirSync(dir)).toEqual(["broken.json"]);
  record.endActions(() => true);
  record.endDrill();
  expect(record.read()).toEqual({ actions: [], drill: null, provocations: { ProxyDown: { run: "r2" } } });
  expect(record.endProvocation("ProxyDown")).toEqual(new Map([["run", "r2"]]));
  expect(record.endProvocation("ProxyDown")).toBeUndefined();
  expect(readdirSync(dir)).toEqual([]);
});

test("simultaneous changes by several processes are all kept", async () => {
  const dir = newDir();
  const script = (name: string) =>
    `import { openRecord } from ${JSON.stringify(join(import.meta.dirname, "record.ts"))};
     for (let n = 0; n < 40; n += 1) openRecord(${JSON.stringify(dir)}).beginAction("kill", "${name}-" + n);`;
  const processes = ["a", "b", "c"].map((name) =>
    spawn(process.execPath, ["--input-type=module", "--eval", script(name)], { stdio: "inherit" }),
  );
  expect(await Promise.all(processes.map(async (one) => (await once(one, "exit"))[0]))).toEqual([0, 0, 0]);
  expect(openRecord(dir).read().actions).toHaveLength(120);
});

test("the lock of a killed process is broken", () => {
  const dir = newDir();
  openRecord(dir).beginAction("kill", "redis");
  const lock = join(dir, "broken.json.lock");
  writeFileSync(lock, "");
  utimesSync(lock, new Date(0), new Date(0));
  openRecord(dir).endActions(() => true);
  expect([existsSync(lock), openRecord(dir).read().actions]).toEqual([false, []]);
});
