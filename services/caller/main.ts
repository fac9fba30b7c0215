import { runProgram } from "../../common/program.ts";
import { createCaller } from "./caller.ts";
import { schema } from "./config.ts";
import { loadPeerKind } from "./peers/load-peer-kind.ts";

await runProgram("caller", schema, async (config, log) => {
  const caller = createCaller(config, await loadPeerKind(config.PEER), log);
  await caller.listen();
  return caller;
});
