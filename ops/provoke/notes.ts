import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Stack } from "../stack/open-stack.ts";

type Notes = Record<string, Record<string, string>>;

/** Which alerts are being provoked on a stack, and what their end needs to know: a file, so that any process can. */
export function openNotes({ state }: Pick<Stack, "state">) {
  const path = join(state.dir, "provoked.json");
  const read = (): Notes => (existsSync(path) ? (JSON.parse(readFileSync(path, "utf8")) as Notes) : {});
  const write = (notes: Notes) => {
    if (Object.keys(notes).length === 0) rmSync(path, { force: true });
    else writeFileSync(path, `${JSON.stringify(notes, null, 2)}\n`);
  };
  return {
    alerts: (): string[] => Object.keys(read()),
    of: (alert: string): Map<string, string> => new Map(Object.entries(read()[alert] ?? {})),
    save: (alert: string, notes: ReadonlyMap<string, string>) =>
      write({ ...read(), [alert]: Object.fromEntries(notes) }),
    forget(alert: string): void {
      const { [alert]: _, ...rest } = read();
      write(rest);
    },
  };
}
