import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";

const root = join(import.meta.dirname, "../..");
const stack = `kubectl-${process.pid}`;
const record = join(root, ".stack", stack);
let scratch: string;
beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), "kubectl-"));
  mkdirSync(record, { recursive: true });
});
afterEach(() => {
  rmSync(scratch, { recursive: true });
  rmSync(record, { recursive: true, force: true });
});

/** Runs a command of make with a kubectl of these shell lines; returns its exit code, and what it printed. */
function run(command: readonly string[], kubectl: string, env: Record<string, string> = {}) {
  const path = join(scratch, "kubectl");
  writeFileSync(path, `#!/bin/sh\necho "$*" >>${join(scratch, "ran")}\n${kubectl}\n`, { mode: 0o755 });
  const { status, stdout, stderr } = spawnSync("sh", ["ops/sh/stack.sh", ...command], {
    cwd: root,
    encoding: "utf8",
    env: {
      PATH: process.env["PATH"],
      ENGINE: "kubernetes",
      STACK: stack,
      PORT_BASE: "50000",
      ENV_FILE: "/dev/null",
      KUBECTL: path,
      KUBE_CONTEXT: "far",
      ...env,
    },
  });
  return { status, lines: (stdout + stderr).trim().split("\n") };
}
const ran = () => readFileSync(join(scratch, "ran"), "utf8");

const dead = `echo 'E1 memcache.go' >&2; echo 'error: context "far" does not exist' >&2; exit 1`;
const noCluster = 'make: KUBE_CONTEXT=far: no cluster answers: error: context "far" does not exist';

test.each([
  ["up"],
  ["status"],
  ["logs"],
  ["urls"],
  ["chaos", "kill", "redis"],
  ["drill", "kill-node"],
  ["chaos", "heal"],
])("%s says in one line that no cluster answers, and leaves no record of a stack", (...command) => {
  expect(run(command, dead)).toEqual({ status: 2, lines: [noCluster] });
  expect(existsSync(join(record, "up.env"))).toBe(false);
});

test("down keeps its record of a stack whose cluster does not answer", () => {
  writeFileSync(join(record, "up.env"), "ENGINE=kubernetes\n");
  const { status, lines } = run(["down"], dead);
  expect({ status, lines }).toEqual({
    status: 2,
    lines: [`${noCluster}; if it is gone for good: rm -r .stack/${stack}`],
  });
  expect(existsSync(join(record, "up.env"))).toBe(true);
});

test.each(["up", "down"])("%s refuses a namespace that make up did not make", (command) => {
  const { status, lines } = run([command], 'case "$*" in *"get namespace"*) echo "blue Active 1d team=other" ;; esac');
  expect(status).toBe(2);
  expect(lines).toEqual([`make: the namespace "${stack}" of far was not made by make up: take another STACK`]);
  expect(ran()).not.toMatch(/ (delete|apply|create|label) /);
});

test.each(["/deploy/kubernetes/monitored", "deploy/kubernetes/missing", "deploy"])(
  "up refuses KUBE_OVERLAY=%s before it changes anything",
  (folder) => {
    expect(run(["up"], "", { KUBE_OVERLAY: folder })).toEqual({
      status: 2,
      lines: [`make: KUBE_OVERLAY=${folder}: must be a folder of this checkout with a kustomization.yaml`],
    });
    expect(ran()).not.toMatch(/ (delete|apply|create|label) /);
  },
);

test.each([
  [{ KUBE_CONTEXT: "" }, /^make: ENGINE=kubernetes needs KUBE_CONTEXT, the context to use: .*config get-contexts$/],
  [{ KUBECTL: "/missing/kubectl" }, /^make: \/missing\/kubectl is missing: install kubectl, or set KUBECTL$/],
  [{ STACK: "a_b" }, /^make: STACK=a_b is the name of a namespace here/],
] as const)("%o is refused in one line", (env, said) => {
  const { status, lines } = run(["status"], "", env);
  expect(status).toBe(2);
  expect(lines).toEqual([expect.stringMatching(said)]);
});
