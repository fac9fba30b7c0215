import { existsSync, readFileSync } from "node:fs";

/** Names of the variables that .env.example lists, commented out or not; none where there is no such file. */
export function knownVariables(envExample: string): string[] {
  if (!existsSync(envExample)) return [];
  return readFileSync(envExample, "utf8")
    .split("\n")
    .flatMap((line) => /^#? ?([A-Z][A-Z0-9_]*)=/.exec(line)?.[1] ?? []);
}
