/** Largest piece that is no body of a known length, bytes. */
const pieceBytes = 4_096;

const end = "\r\n\r\n";
const endBytes = Buffer.from(end);

/**
 * Cuts the bytes of a connection so that no piece has anything behind the end of a message. A head ends with an empty
 * line (RFC 9112, 2.1), a chunked body too (7.1), with trailers or without. The end of any other body is known from its
 * length.
 */
export class MessageCutter {
  /** Bytes of the body that follow, if its length is known. */
  #bodyLeft = 0;
  /** The last characters of a piece without an end: the end may lie across two reads. */
  #tail = "";

  /** The message has a body of this length, bytes; 0 for a chunked body. */
  body(length: number): void {
    this.#bodyLeft = length;
  }

  /** The next piece is of a body of a known length. */
  get isInBody(): boolean {
    return this.#bodyLeft > 0;
  }

  /** Size of the next piece of `bytes`, which are not empty. */
  next(bytes: Buffer): number {
    if (this.#bodyLeft > 0) {
      const size = Math.min(bytes.length, this.#bodyLeft);
      this.#bodyLeft -= size;
      return size;
    }
    const limit = Math.min(bytes.length, pieceBytes);
    const size = this.#ending(bytes);
    if (size <= limit) {
      this.#tail = "";
      return size;
    }
    this.#tail = (this.#tail + bytes.toString("latin1", Math.max(0, limit - 3), limit)).slice(-3);
    return limit;
  }
  /** Place behind the first end in `bytes`. */
  #ending(bytes: Buffer): number {
    if (this.#tail !== "") {
      const across = (this.#tail + bytes.toString("latin1", 0, 3)).indexOf(end);
      if (across !== -1) return across + end.length - this.#tail.length;
    }
    const at = bytes.indexOf(endBytes);
    return at === -1 ? Number.POSITIVE_INFINITY : at + end.length;
  }
}
