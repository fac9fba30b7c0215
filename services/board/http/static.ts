import { existsSync, readdirSync, readFileSync } from "node:fs";
import { extname, join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const types: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
};

/** A file in memory, plain and compressed. */
export interface StaticFile {
  type: string;
  plain: Buffer;
  gzip: Buffer;
  br: Buffer;
}

/**
 * The built page, by path: `/index.html` and `/assets/…`. It is read and compressed once, so that a viewer costs only a
 * copy.
 */
export function readStatic(dir: string): Map<string, StaticFile> {
  const files = new Map<string, StaticFile>();
  if (!existsSync(join(dir, "index.html"))) return files;
  for (const name of readdirSync(dir, { recursive: true, encoding: "utf8" })) {
    const type = types[extname(name)];
    if (type === undefined) continue;
    const plain = readFileSync(join(dir, name));
    const br = brotliCompressSync(plain, { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } });
    files.set(`/${name}`, { type, plain, gzip: gzipSync(plain), br });
  }
  return files;
}
