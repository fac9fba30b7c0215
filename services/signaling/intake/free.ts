/**
 * Gives the memory of buffers back at once, for those that were read for one connection alone and that nobody will look
 * at again. The garbage collector takes its time: it lets tens of MiB outside of its heap pile up first.
 */
export function freeNow(buffers: Iterable<Buffer>): void {
  for (const { buffer, byteLength } of buffers) {
    // A part of something larger is not ours to give back: Node cuts small buffers from a pool.
    if (buffer instanceof ArrayBuffer && byteLength > 0 && buffer.byteLength === byteLength) buffer.transfer(0);
  }
}
