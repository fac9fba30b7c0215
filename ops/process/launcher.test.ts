import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { stateOf } from "./identity.ts";
import { destroy, launch } from "./launcher.ts";
import { openStateDir, type StateDir } from "./state-dir.ts";

let root: string;
let state: StateDir;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "launcher-"));
  state = openStateDir(root, "test");
  state.create();
});
afterEach(async () => {
  for (const record of state.services()) await destroy(record);
  rmSync(root, { recursive: true, force: true });
});

/** Starts a shell that runs these words, and waits until it has made the file `ready`. */
const shell = (words: string) =>
  launch(state, "one", { command: "sh", args: ["-c", words], env: { ROOT: root } }, process.env, async () =>
    existsSync(join(root, "ready")),
  );

test("a service that Ctrl-C ended before it had a session of its own is started again", async () => {
  const record = await shell(
    '[ -e "$ROOT/once" ] || { : >"$ROOT/once"; kill -INT $$; }; : >"$ROOT/ready"; exec sleep 60',
  );
  expect(record).toEqual(state.service("one"));
  expect(record.process && stateOf(record.process)).toBe("running");
});

test.each([
  ["is interrupted twice", "kill -INT $$"],
  ["is terminated", 'echo "Error: no port" && kill -TERM $$'],
  ["exits", "echo 'Error: no port' && exit 0"],
])("a service that %s while it starts is an error with its last words", async (_, words) => {
  await expect(shell(words)).rejects.toThrow(
    /^one ended while starting: (it said nothing|Error: no port) \(all of it: /,
  );
});
