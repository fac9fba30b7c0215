import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";

const root = join(import.meta.dirname, "../..");
const dir = mkdtempSync(join(tmpdir(), "unread-"));
afterAll(() => rmSync(dir, { recursive: true }));

/** The variables of a settings file and of make's command line that `make up` reports as unread. */
function unread(engine: "compose" | "process", settings: string, makeFlags = "", env: Record<string, string> = {}) {
  writeFileSync(join(dir, "env"), settings);
  const { status, stderr } = spawnSync("sh", ["-euc", `. ops/sh/common.sh; . ops/sh/${engine}.sh; name_unread`], {
    cwd: root,
    encoding: "utf8",
    env: {
      PATH: process.env["PATH"],
      ENV_FILE: join(dir, "env"),
      MAKEFLAGS: makeFlags,
      ENGINE: engine,
      STACK: "unread",
      ...env,
    },
  });
  expect(status).toBe(0);
  const lines = stderr.split("\n").filter((line) => line !== "");
  expect(lines.filter((line) => !line.includes(`is set, but nothing on the ${engine} engine reads it`))).toEqual([]);
  return lines.map((line) => /^make: (\S+)/.exec(line)?.[1]);
}

test.each(["compose", "process"] as const)(
  "make up on %s names a misspelled variable, wherever it is set",
  (engine) => {
    expect(unread(engine, "PROBE_FAL=3\nPROBE_FALL=3\n#OFF=1\nEMPTY=\n")).toEqual(["PROBE_FAL"]);
    expect(unread(engine, "", "s --no-print-directory -- PROXI_PORT=1 STACK=unread ENGINE=process")).toEqual([
      "PROXI_PORT",
    ]);
  },
);

test("make up names a variable that only the other engine reads", () => {
  const settings = "IMAGE_REDIS=redis:8\nLINK_1_PORT=6391\nPUBLIC_BIND=0.0.0.0\nREDIS_PORT=6390\n";
  expect(unread("process", settings)).toEqual(["IMAGE_REDIS"]);
  expect(unread("compose", settings)).toEqual(["LINK_1_PORT", "REDIS_PORT"]);
});

test("make up names an address that both engines set themselves", () => {
  expect(unread("process", "HOST=0.0.0.0\nTARGET_URL=http://other\n")).toEqual(["HOST", "TARGET_URL"]);
  expect(unread("compose", "HOST=0.0.0.0\nTARGET_URL=http://other\n")).toEqual(["HOST", "TARGET_URL"]);
});

test("on compose, a variable of an overlay is read if the overlay is used", () => {
  expect(unread("compose", "TURN_HOST=192.0.2.1\n")).toEqual(["TURN_HOST"]);
  expect(unread("compose", "TURN_HOST=192.0.2.1\nOVERLAYS=turn\n", "", { OVERLAYS: "turn" })).toEqual([]);
});

test("secrets are read as values and as files", () => {
  for (const engine of ["compose", "process"] as const)
    expect(unread(engine, "JWT_SECRET=0123456789abcdef\nTURN_SECRET_FILE=/turn\nTOKEN=t\n")).toEqual([]);
});
