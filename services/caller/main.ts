import { runProgram } from "../../common/program.ts";
import { createCaller } from "./caller.ts";
import { schema } from "./config.ts";

await runProgram("caller", schema, async (config, log) => {
  const caller = createCaller(config, log);
  await caller.listen();
  return caller;
});
