import { parseArgs } from "node:util";
import { type Command, UsageError } from "../command.ts";
import { linesOf } from "../logs/lines.ts";
import { createLogLines, levelNames } from "../logs/log-lines.ts";
import { followFiles } from "../process/follow-files.ts";
import { CannotError } from "../stack/engine.ts";

const options = {
  node: { type: "string" },
  level: { type: "string" },
  room: { type: "string" },
  "no-follow": { type: "boolean", default: false },
  stdin: { type: "boolean", default: false },
} as const;

/** Follows the logs of a stack of processes. For containers, make pipes their logs into it (`--stdin`). */
export const logs: Command = {
  usage: "[service …] [--node 2] [--level warn] [--room demo] [--no-follow] [--stdin]",
  summary: "the last lines of each service, then new ones as they come",
  follows: true,
  async run({ stack, printEscaped, signal }, args) {
    const { values, positionals } = parseArgs({ args, options, allowPositionals: true });
    if (values.level !== undefined && !levelNames.includes(values.level))
      throw new UsageError(`LEVEL=${values.level}: must be one of ${levelNames.join(", ")}`);
    const readable = createLogLines(values, process.stdout.isTTY === true);
    if (values.stdin) {
      // Compose begins each line with the container's name: `signaling-2  | {…}`.
      for await (const line of linesOf(process.stdin)) {
        const prefix = /^[\w.-]+ *\| /.exec(line)?.[0] ?? "";
        const rest = line.slice(prefix.length);
        const told = readable(rest);
        if (told !== undefined) printEscaped(`${prefix}${told}`);
      }
      return 0;
    }
    const known = (await stack.engine.services()).map(({ id }) => id);
    if (known.length === 0) throw new CannotError(`the stack "${stack.engine.stack}" is not up: make up`);
    const asked = values.node === undefined ? [] : [values.node.replace(/^(?=\d+$)/, "signaling-")];
    const wanted = [...positionals, ...asked];
    const unknown = wanted.filter((id) => !known.includes(id));
    if (unknown.length > 0) throw new UsageError(`no service ${unknown.join(", ")}: ${known.join(", ")}`);
    const ids = wanted.length > 0 ? wanted : known;
    const width = Math.max(...ids.map((id) => id.length));
    const tell = (id: string, line: string) => {
      const told = line === "" ? undefined : readable(line);
      if (told !== undefined) printEscaped(`${id.padEnd(width)} | ${told}`);
    };
    // A filter drops most lines, so the command reads further back.
    const filtered = values.level !== undefined || values.room !== undefined;
    const last = filtered ? 1_000 : wanted.length > 0 ? 50 : 5;
    for (const id of ids) for (const line of await stack.engine.logs(id, last)) tell(id, line);
    if (!values["no-follow"]) await followFiles(new Map(ids.map((id) => [id, stack.state.logPath(id)])), tell, signal);
    return 0;
  },
};
