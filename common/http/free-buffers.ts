/**
 * Releases the memory of buffers at once. They belong to one connection and are not used again. The garbage collector
 * would first let tens of MiB pile up outside of its heap.
 */
export function freeNow(buffers: Iterable<Buffer>): void {
  for (const { buffer, byteLength } of buffers) {
    // A part of a larger buffer stays: Node cuts small buffers from a pool.
    if (buffer instanceof ArrayBuffer && byteLength > 0 && buffer.byteLength === byteLength) buffer.transfer(0);
  }
}
