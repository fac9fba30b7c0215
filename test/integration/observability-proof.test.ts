import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createPrometheus } from "../../ops/stack/prometheus.ts";
import type { Checked } from "../../ops/verify-observability/finding.ts";
import { killAndRestore } from "../../ops/verify-observability/kill-and-restore.ts";
import { checkShown, sourcesIn, verifyObservability } from "../../ops/verify-observability/verify.ts";
import { until } from "../support/poll.ts";
import { type ProcessStack, startProcessStack } from "../support/process-stack.ts";

// One stack for all tests. The first test checks that everything holds. The others damage copies of the inputs one by
// one.
let stack: ProcessStack;
let window: { since: number; until: number };
const copies = mkdtempSync(join(tmpdir(), "observability-"));
beforeAll(async () => {
  stack = await startProcessStack();
}, 60_000);
afterAll(async () => {
  await stack?.[Symbol.asyncDispose]();
  rmSync(copies, { recursive: true, force: true });
});

const findings = (checks: readonly Checked[]) => checks.flatMap((check) => check.findings);
/** A copy of `from` with `text` replaced by `instead` in every file. */
function brokenCopy(name: string, from: string, text: string, instead: string): string {
  const folder = join(copies, name);
  cpSync(from, folder, { recursive: true });
  const files = readdirSync(folder, { withFileTypes: true }).flatMap((entry) =>
    entry.isFile() ? [join(folder, entry.name)] : [],
  );
  const having = files.filter((file) => readFileSync(file, "utf8").includes(text));
  expect(having.length).toBeGreaterThan(0);
  for (const file of having) writeFileSync(file, readFileSync(file, "utf8").replaceAll(text, instead));
  return folder;
}
/** Loads another folder of rules into the stack's Prometheus. */
async function loadRules(folder: string, proof: string): Promise<void> {
  const path = join(stack.state.dir, "prometheus", "prometheus.yml");
  const config = readFileSync(path, "utf8");
  expect(config).toMatch(/\S*\/rules\/\*\.yml/);
  writeFileSync(path, config.replace(/\S*\/rules\/\*\.yml/, join(folder, "*.yml")));
  const { prometheus } = stack.engine.endpoints;
  process.kill(stack.state.service("prometheus")?.process?.pid ?? 0, "SIGHUP");
  await until("the broken rule is loaded", async () =>
    (await createPrometheus(prometheus).rules()).some((rule) => rule.query.includes(proof)),
  );
  writeFileSync(path, config);
}

test("on a running stack a kill's alert arrives and resolves in time, and every shown metric exists", async () => {
  const since = Date.now();
  const checks = await verifyObservability(stack, () => undefined);
  window = { since, until: Date.now() };
  expect(findings(checks)).toEqual([]);
  for (const { what, count } of checks) expect(count, what).toBeGreaterThan(0);
}, 150_000);

test("a broken panel query is found: one without series, one that Prometheus refuses", async () => {
  const sources = sourcesIn(stack.root);
  const renamed = brokenCopy("renamed", sources.dashboards, "sum(caller_calls{", "sum(caller_call{");
  expect(findings(await checkShown(stack, { ...sources, dashboards: renamed }, window))).toEqual([
    'Home: Connected calls: no series: sum(caller_call{state="connected"})',
  ]);
  const malformed = brokenCopy("malformed", sources.dashboards, "sum(caller_calls{", "sum(caller_calls{{");
  expect(findings(await checkShown(stack, { ...sources, dashboards: malformed }, window))).toEqual([
    expect.stringMatching(/^Home: Connected calls: .*parse error/),
  ]);
});

test("a metric renamed in the page or in a program is found", async () => {
  const sources = sourcesIn(stack.root);
  const docs = brokenCopy("docs", join(stack.root, "docs"), "`signaling_rooms`", "`signaling_chambers`");
  const found = findings(await checkShown(stack, { ...sources, metricsPage: join(docs, "metrics.md") }, window));
  expect(found).toContain("signaling-1 exports signaling_rooms, not in docs/metrics.md");
  expect(found).toContain("docs/metrics.md has signaling_chambers, signaling-1 does not");
});

test("an alert without its runbook is found", async () => {
  const sources = sourcesIn(stack.root);
  const found = findings(await checkShown(stack, { ...sources, root: join(copies, "empty") }, window));
  expect(found).toContain("ProxyDown has no runbook: runbook_url is docs/runbooks/ProxyDown.md");
});

test("an alert that selects nothing, or whose condition can never be true, is found", async () => {
  const rules = join(stack.root, "prometheus/rules");
  const wrongJob = brokenCopy("job", rules, '(up{job="signaling"}) == 0', '(up{job="signalling"}) == 0');
  await loadRules(wrongJob, 'job="signalling"');
  expect(findings(await checkShown(stack, sourcesIn(stack.root), window))).toEqual([
    'rule SignalingReplicaDown: up{job="signalling"} selects nothing',
  ]);

  const folder = brokenCopy("never", rules, '(up{job="signaling"}) == 0', '(up{job="signaling"}) == 2');
  const alerts = join(folder, "alerts-replicas.yml");
  writeFileSync(alerts, readFileSync(alerts, "utf8").replace('{state="down"}) == 1', '{state="down"}) == 2'));
  await loadRules(folder, "== 2");
  const { findings: undelivered } = await killAndRestore({ stack, print: () => undefined });
  expect(undelivered).toContain("SignalingReplicaDown for signaling-2 did not reach the webhook within 30 s");
}, 150_000);
