import { type DestinationStream, type Logger, pino, stdTimeFunctions } from "pino";

export type Log = Logger;

/**
 * Characters that JSON leaves as they are and a terminal does not: C1 controls, marks that reorder or hide text, line
 * and paragraph separators. What strangers choose (room ids, origins) reaches the log.
 */
const unprintable = /[\x7f-\x9f\p{Cf}\p{Zl}\p{Zp}]/gu;

/** The JSON text of a line with those characters as `\uXXXX`; it parses to the same. */
function escapeUnprintable(line: string): string {
  return line.replace(unprintable, (character) => {
    const units = Array.from({ length: character.length }, (_, at) => character.charCodeAt(at));
    return units.map((unit) => `\\u${unit.toString(16).padStart(4, "0")}`).join("");
  });
}

/**
 * A JSON log with the house's field set: `time level service node? msg` and whatever the line adds (`room`, `peer`,
 * `traceId`, `err`). Never give it cookies, query strings, tokens or SDP bodies.
 *
 * @param service the program: `proxy`, `signaling`, `caller`, `ops`
 * @param node the replica's `NODE_ID`, where there is one
 */
export function createLog(
  { service, node, level = "info" }: { service: string; node?: string; level?: string },
  destination?: DestinationStream,
): Log {
  const options = {
    level,
    base: node === undefined ? { service } : { service, node },
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    hooks: { streamWrite: escapeUnprintable },
  };
  return destination === undefined ? pino(options) : pino(options, destination);
}
