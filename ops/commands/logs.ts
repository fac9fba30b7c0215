import { type Command, UsageError } from "../command.ts";
import { followFiles } from "../process/follow-files.ts";
import { readableLogLine } from "../readable-log.ts";

/** Follows the logs of a stack of processes (make follows those of containers itself). */
export const logs: Command = {
  usage: "[service …] [--no-follow]",
  summary: "the last lines of each service, then new ones as they come",
  async run({ stack, print, signal }, args) {
    const known = (await stack.engine.services()).map(({ id }) => id);
    const wanted = args.filter((arg) => !arg.startsWith("--"));
    const unknown = wanted.filter((id) => !known.includes(id));
    if (unknown.length > 0) throw new UsageError(`no service ${unknown.join(", ")}: ${known.join(", ")}`);
    const ids = wanted.length > 0 ? wanted : known;
    const width = Math.max(...ids.map((id) => id.length));
    const tell = (id: string, line: string) => print(`${id.padEnd(width)} | ${readableLogLine(line)}`);
    const last = wanted.length > 0 ? 50 : 5;
    for (const id of ids) for (const line of await stack.engine.logs(id, last)) if (line !== "") tell(id, line);
    if (!args.includes("--no-follow"))
      await followFiles(new Map(ids.map((id) => [id, stack.state.logPath(id)])), tell, signal);
    return 0;
  },
};
