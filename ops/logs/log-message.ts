/** The message of a log line: that of a JSON line of the project's programs, else the line unchanged. */
export function messageOf(line: string): string {
  if (!line.startsWith("{")) return line;
  try {
    const { msg } = JSON.parse(line) as { msg?: unknown };
    return typeof msg === "string" ? msg : line;
  } catch (error) {
    if (error instanceof SyntaxError) return line;
    throw error;
  }
}
