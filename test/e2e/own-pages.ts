import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { build, type Rolldown } from "vite";

/** Serves pages from an origin of their own. Each path has a type and a text. */
export async function servePages(pages: Record<string, { type: string; text: string }>) {
  const server = createServer((request, response) => {
    const page = pages[new URL(request.url ?? "/", "http://pages").pathname];
    response.writeHead(page === undefined ? 404 : 200, { "content-type": page?.type ?? "text/plain" }).end(page?.text);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: async () => void server.close(),
  };
}

/** Serves an empty page that runs this module, bundled. */
export async function servePageOf(entry: string) {
  const lib = { entry, formats: ["es" as const], fileName: "page" };
  const options = { configFile: false as const, logLevel: "error" as const, build: { write: false, lib } };
  const [bundle] = (await build(options)) as Rolldown.RolldownOutput[];
  return servePages({
    "/": { type: "text/html", text: '<!doctype html><body><script type="module" src="/page.js"></script>' },
    "/page.js": { type: "text/javascript", text: bundle?.output[0].code ?? "" },
  });
}
