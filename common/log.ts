import { type DestinationStream, type Logger, pino, stdTimeFunctions } from "pino";
import { escapeUnprintable } from "./printable.ts";

export type Log = Logger;

/**
 * A JSON log with the fields `time level service node? msg` and the fields of the line (`room`, `peer`, `traceId`,
 * `err`), safe to print on a terminal. Never give it cookies, query strings, tokens or SDP bodies.
 *
 * @param service the program: `proxy`, `signaling`, `caller`, `ops`
 * @param node the replica's `NODE_ID`, for a replica
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
