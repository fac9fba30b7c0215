/**
 * Gives the memory of buffers back at once. They were read for one connection alone, and nobody uses them again. The
 * garbage collector would let tens of MiB outside of its heap pile up first.
 */
export function freeNow(buffers: Iterable<Buffer>): void {
  for (const { buffer, byteLength } of buffers) {
    // A part of a larger buffer stays: Node cuts small buffers from a pool.
    if (buffer instanceof ArrayBuffer && byteLength > 0 && buffer.byteLength === byteLength) buffer.transfer(0);
  }
}
