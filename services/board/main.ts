import { runProgram } from "../../common/program.ts";
import { createBoard } from "./board.ts";
import { schema } from "./config.ts";

await runProgram("board", schema, async (config, log) => {
  const board = createBoard(config, log);
  await board.listen();
  return board;
});
