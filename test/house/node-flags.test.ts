import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { imageFlags } from "../../ops/process/node-flags.ts";

test.each(["proxy/start.sh", "Dockerfile"])("%s starts Node with the flags that tests and benchmarks use", (file) => {
  expect(readFileSync(file, "utf8").match(/--max-[a-z-]+=\d+/g)).toEqual(imageFlags);
});
