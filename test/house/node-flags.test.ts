import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { nodeFlags } from "../../ops/process/node-flags.ts";

test.each(["proxy/start.sh", "Dockerfile"])("%s starts Node with the flags of the process engine", (file) => {
  expect(readFileSync(file, "utf8").match(/--max-[a-z-]+=\d+/g)).toEqual(nodeFlags);
});
