import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dashboards } from "./dashboards.ts";

const usage = "usage: node grafana/src/main.ts [--check]\n  writes grafana/dashboards; --check only compares\n";
const folder = new URL("../dashboards/", import.meta.url);
const args = process.argv.slice(2);
if (args.some((arg) => arg !== "--check")) {
  process.stderr.write(usage);
  process.exit(2);
}

const files = dashboards();
const present = readdirSync(folder).filter((name) => name.endsWith(".json"));
const stale = present.filter((name) => !files.has(name));
const changed = [...files].filter(
  ([name, json]) => !present.includes(name) || readFileSync(new URL(name, folder), "utf8") !== json,
);
if (args.includes("--check")) {
  const names = [...stale, ...changed.map(([name]) => name)];
  if (names.length > 0) {
    process.stderr.write(`grafana/dashboards differs from grafana/src: ${names.join(", ")} (make dashboards)\n`);
    process.exitCode = 1;
  } else process.stdout.write(`dashboards: ${files.size} files are what grafana/src makes\n`);
} else {
  for (const name of stale) rmSync(new URL(name, folder));
  for (const [name, json] of changed) writeFileSync(new URL(name, folder), json);
  process.stdout.write(`wrote ${changed.length} of ${files.size} dashboards\n`);
}
