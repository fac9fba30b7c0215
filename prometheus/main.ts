import { readFileSync, writeFileSync } from "node:fs";
import { metricsPage } from "./metrics-page.ts";

const path = new URL("../docs/metrics.md", import.meta.url);
const page = await metricsPage();
if (process.argv.includes("--check")) {
  if (readFileSync(path, "utf8") !== page) {
    process.stderr.write("docs/metrics.md differs from the programs' registries (make dashboards)\n");
    process.exitCode = 1;
  } else process.stdout.write("metrics: docs/metrics.md is what the programs export\n");
} else {
  writeFileSync(path, page);
  process.stdout.write("wrote docs/metrics.md\n");
}
