import { pino } from "pino";
import { prettyFactory } from "pino-pretty";
import { escapeLine } from "../../common/printable.ts";

/** Which lines are wanted. */
export interface LogFilter {
  /** This level and above; lines that are not ours (Redis, Prometheus) have none, and are left out. */
  level?: string | undefined;
  /** Only lines of this room. */
  room?: string | undefined;
}

/** Fields that pino-pretty prints as they are; it writes all others as JSON. */
const named = new Set(["msg", "level", "time"]);
const levels = pino.levels.values;

/** Names of the levels, lowest first. */
export const levelNames: readonly string[] = Object.keys(levels);

/** pino-pretty's own colours, the one control sequence that may reach the terminal. */
const colour = new RegExp(`(${String.fromCharCode(27)}\\[\\d+m)`);

/**
 * Makes log lines readable, and leaves out those that the filter does not want (undefined). Ours are JSON; any other
 * line stays as it is. What comes out is one line that a terminal can show: nothing in it moves, hides or ends text.
 */
export function createLogLines({ level, room }: LogFilter, colorize: boolean): (line: string) => string | undefined {
  const pretty = prettyFactory({
    colorize,
    singleLine: true,
    translateTime: "UTC:HH:MM:ss.l",
    ignore: "service,node,pid,hostname",
    errorLikeObjectKeys: [],
  });
  const least = level === undefined ? 0 : (levels[level] ?? 0);
  return (line) => {
    const fields = fieldsOf(line);
    if (fields === undefined) return level === undefined && room === undefined ? escapeLine(line) : undefined;
    if ((levels[String(fields["level"])] ?? 0) < least) return undefined;
    if (room !== undefined && fields["room"] !== room) return undefined;
    // Before colours are added, so that those which a message brings are none.
    const safe = Object.fromEntries(
      Object.entries(fields).map(([name, value]) => [
        name,
        typeof value === "string" && named.has(name) ? escapeLine(value) : value,
      ]),
    );
    const told = pretty(safe).trimEnd().split(colour);
    return told.map((part, at) => (at % 2 === 1 ? part : escapeLine(part))).join("");
  };
}

/** The fields of a line of ours; undefined for any other. */
function fieldsOf(line: string): Record<string, unknown> | undefined {
  if (!line.startsWith("{")) return undefined;
  try {
    const fields = JSON.parse(line) as Record<string, unknown>;
    return typeof fields["time"] === "string" && typeof fields["level"] === "string" ? fields : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
