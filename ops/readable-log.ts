/** Fields of our logs that are told by position, or that every line of a service has in common. */
const placed = new Set(["time", "level", "service", "node", "msg"]);

/** What a log line says, without the fields around it. */
export function messageOf(line: string): string {
  const readable = readableLogLine(line);
  return readable === line ? line : readable.replace(/^\S+ \w+ +/, "").replace(/ err=\{.*/, "");
}

/** One of our JSON log lines for a person: `12:00:01.123 warn  message key=value`; any other line as it is. */
export function readableLogLine(line: string): string {
  if (!line.startsWith("{")) return line;
  let fields: Record<string, unknown>;
  try {
    fields = JSON.parse(line) as Record<string, unknown>;
  } catch (error) {
    if (error instanceof SyntaxError) return line;
    throw error;
  }
  const { time, level, msg } = fields;
  if (typeof time !== "string" || typeof level !== "string") return line;
  const rest = Object.entries(fields)
    .filter(([name]) => !placed.has(name))
    .map(([name, value]) => `${name}=${typeof value === "object" ? JSON.stringify(value) : String(value)}`);
  return [time.slice(11, 23), level.padEnd(5), String(msg ?? ""), ...rest].join(" ");
}
