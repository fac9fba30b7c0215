import type { Socket } from "node:net";

/** Bytes held for latency before the reading side is paused. */
const heldLimit = 4 * 1024 * 1024;

/**
 * Carries one direction of a connection:
 *
 *     from ──data──▶ held (each chunk until its time) ──write──▶ to
 *
 * `holdMs` is called for each chunk. A chunk never overtakes an earlier one. Both the writing socket and the held bytes
 * cause back-pressure. The end of `from` follows its last chunk.
 */
export function createPump(from: Socket, to: Socket, holdMs: () => number) {
  const held: { chunk: Buffer | null; dueAt: number }[] = [];
  let heldBytes = 0;
  let frozen = false;
  let timer: NodeJS.Timeout | undefined;

  const readOn = () => {
    if (!frozen && heldBytes < heldLimit && !to.writableNeedDrain) from.resume();
    else from.pause();
  };
  const flush = () => {
    timer = undefined;
    while (!frozen) {
      const next = held[0];
      if (next === undefined) break;
      const waitMs = next.dueAt - performance.now();
      if (waitMs > 0) {
        timer = setTimeout(flush, Math.ceil(waitMs));
        break;
      }
      held.shift();
      if (next.chunk === null) to.end();
      else {
        heldBytes -= next.chunk.length;
        to.write(next.chunk);
      }
    }
    readOn();
  };
  const hold = (chunk: Buffer | null) => {
    const earliest = held.at(-1)?.dueAt ?? 0;
    held.push({ chunk, dueAt: Math.max(earliest, performance.now() + holdMs()) });
    heldBytes += chunk?.length ?? 0;
    if (timer === undefined) flush();
  };
  from.on("data", hold);
  from.on("end", () => hold(null));
  to.on("drain", readOn);

  return {
    freeze(): void {
      frozen = true;
      clearTimeout(timer);
      timer = undefined;
      from.pause();
    },
    thaw(): void {
      frozen = false;
      flush();
    },
    stop(): void {
      clearTimeout(timer);
      held.length = 0;
    },
  };
}
