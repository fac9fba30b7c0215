/** Longest line between chunks: a size with extensions, a trailer field; bytes. */
const lineLimit = 8_192;

/**
 * Reads a chunked body (RFC 9112, 7.1) as it comes, in pieces of any size. Each call returns the data in the piece;
 * `done` says that the last chunk and the trailers are through. Extensions and trailers are dropped.
 *
 * @throws on what is no chunked body
 */
export class ChunkedBody {
  done = false;
  /** Bytes of the current chunk that have not come yet. */
  #left = 0;
  #expects: "size" | "data" | "data-end" | "trailer" = "size";
  #line = "";

  read(piece: Buffer): Buffer[] {
    const parts: Buffer[] = [];
    for (let at = 0; at < piece.length && !this.done; ) {
      if (this.#expects === "data") {
        const part = piece.subarray(at, at + this.#left);
        parts.push(part);
        at += part.length;
        this.#left -= part.length;
        if (this.#left === 0) this.#expects = "data-end";
        continue;
      }
      const newline = piece.indexOf(0x0a, at);
      const end = newline === -1 ? piece.length : newline;
      this.#line += piece.toString("latin1", at, end);
      if (this.#line.length > lineLimit) throw new Error(`a line of the chunked body is over ${lineLimit} bytes`);
      at = end + 1;
      if (newline !== -1) this.#endLine();
    }
    return parts;
  }

  #endLine(): void {
    const line = this.#line.endsWith("\r") ? this.#line.slice(0, -1) : this.#line;
    this.#line = "";
    if (this.#expects === "trailer") this.done = line === "";
    else if (this.#expects === "data-end") {
      if (line !== "") throw new Error("a chunk is longer than it says");
      this.#expects = "size";
    } else {
      const size = /^([0-9a-f]{1,8})[\t ]*(?:;|$)/i.exec(line)?.[1];
      if (size === undefined) throw new Error("a chunk has no size");
      this.#left = Number.parseInt(size, 16);
      this.#expects = this.#left === 0 ? "trailer" : "data";
    }
  }
}
