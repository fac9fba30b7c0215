import { existsSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openJournal } from "./journal.ts";

test("what begins is there for whoever opens the journal next, once, until it ends", () => {
  const path = join(mkdtempSync(join(tmpdir(), "journal-")), "deep", "journal.json");
  openJournal(path).begin("pause", "redis");
  const [first] = openJournal(path).entries();
  openJournal(path).begin("pause", "redis");
  openJournal(path).begin("kill", "signaling-1");
  expect(openJournal(path).entries()).toEqual([
    first,
    { action: "kill", target: "signaling-1", at: expect.any(String) },
  ]);
  expect(openJournal(path).end(({ action }) => action === "pause")).toEqual([first]);
  expect(openJournal(path).entries()).toHaveLength(1);
  openJournal(path).end(() => true);
  expect(existsSync(path)).toBe(false);
});
