import { runProgram } from "../../common/program.ts";
import { schema } from "./config.ts";
import { startReplica } from "./replica.ts";

await runProgram("signaling", schema, startReplica);
