import { pino } from "pino";
import { prettyFactory } from "pino-pretty";
import { escapeLine } from "../../common/printable.ts";

/** The filter for lines. */
export interface LogFilter {
  /** The lowest level shown. Lines of other programs (Redis, Prometheus) have no level and are left out. */
  level?: string | undefined;
  /** Only lines of this room. */
  room?: string | undefined;
}

/** Fields that pino-pretty prints unchanged. It prints all others as JSON. */
const named = new Set(["msg", "level", "time"]);
const levels = pino.levels.values;

/** Names of the levels, lowest first. */
export const levelNames: readonly string[] = Object.keys(levels);

/** pino-pretty's colours are the only control sequence that may reach the terminal. */
const colour = new RegExp(`(${String.fromCharCode(27)}\\[\\d+m)`);

/**
 * Makes a log line readable. Returns undefined for a line that the filter excludes. Lines of the project's programs are
 * JSON; any other line stays unchanged. The result is one line without control characters that move, hide or end text.
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
    // Escapes before pino-pretty adds colours, so that a message cannot bring its own.
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

/** The fields of a JSON line of the project's programs; undefined for any other line. */
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
