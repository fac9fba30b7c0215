import type { Command } from "../command.ts";
import { verifyObservability } from "../verify-observability/verify.ts";

/** Exits 0 when every check passes, else 1 with one line for each finding. */
export const verifyObservabilityCommand: Command = {
  usage: "",
  summary: "kill a replica under calls, and prove dashboards, rules, alerts, metrics and runbooks on it",
  async run({ stack, print }) {
    const checks = await verifyObservability(stack, print);
    for (const { what, count, findings } of checks) {
      const good = findings.length === 0 && count > 0;
      print(`${good ? "ok  " : "FAIL"} ${String(count).padStart(4)}  ${what}`);
      if (count === 0) print("       nothing to check");
      for (const finding of findings) print(`       ${finding}`);
    }
    const failed = checks.filter(({ count, findings }) => findings.length > 0 || count === 0).length;
    print(failed === 0 ? "observability is proven" : `${failed} of ${checks.length} checks failed`);
    return failed === 0 ? 0 : 1;
  },
};
