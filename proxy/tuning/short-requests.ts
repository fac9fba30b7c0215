import { once } from "node:events";
import { createServer, type RequestOptions, request } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";

/** File of the `http` that passes on the options that a request to a replica has, and no others. */
export const shortRequestsFile = new URL("short-requests.cjs", import.meta.url).href;

const short = createRequire(import.meta.url)("./short-requests.cjs") as { request: typeof request };

/** How long the check may take, ms. */
const withinMs = 2_000;

/** @throws Error if a replica would get another request than from Node's own `http` with all options of http-proxy */
export async function checkShortRequests(): Promise<void> {
  const signal = AbortSignal.timeout(withinMs);
  const server = createServer((_incoming, response) => response.end());
  server.listen(0, "127.0.0.1");
  await once(server, "listening", { signal });
  try {
    const options = {
      host: "127.0.0.1",
      port: (server.address() as AddressInfo).port,
      method: "GET",
      path: "/check?a=1",
      headers: ["Host", "check", "X-Odd", "\u00e9", "Cookie", "a=1"],
      agent: false,
      ca: undefined,
      key: undefined,
      auth: undefined,
      localAddress: undefined,
    } as RequestOptions;
    const headOf = async (by: typeof request): Promise<string> => {
      const got = once(server, "request", { signal });
      const sent = by(options);
      const answered = once(sent, "response", { signal });
      sent.end();
      const [[{ method, url, rawHeaders }], [answer]] = await Promise.all([got, answered]);
      await once(answer.resume(), "end", { signal });
      return [method, url, ...rawHeaders].join("\n");
    };
    if ((await headOf(request)) !== (await headOf(short.request)))
      throw new Error("Node sends another request where options are left out");
  } finally {
    server.closeAllConnections();
    server.close();
  }
}
