import { execFile } from "node:child_process";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const program = `
  import http from "node:http";
  import { reachStackDirectly } from "./common/http/stack-hosts.ts";
  if (process.argv[2] === "direct") reachStackDirectly(process.env);
  const url = process.argv[1];
  const fetched = await fetch(url).then((answer) => answer.text());
  const got = await new Promise((resolve) => http.get(url, (answer) => answer.setEncoding("utf8").on("data", resolve)));
  process.stdout.write(fetched + " " + got);
`;

/** A program's results for this URL by fetch and by node:http, with a proxy in the environment. */
async function reached(url: string, proxy: string, how: string, more: Record<string, string> = {}): Promise<string> {
  const env = { PATH: process.env["PATH"] ?? "", NODE_USE_ENV_PROXY: "1", HTTP_PROXY: proxy, ...more };
  const args = ["--input-type=module-typescript", "-e", program, url, how];
  return (await promisify(execFile)(process.execPath, args, { env })).stdout;
}

test("requests inside the stack bypass a company's proxy, all others use it", async () => {
  const named = (name: string) => createServer((_request, response) => response.end(name)).listen(0, "127.0.0.1");
  const [stack, company] = [named("stack"), named("company")];
  // The proxy itself answers requests through a tunnel.
  company.on("connect", (_request, socket) => {
    socket.write("HTTP/1.1 200 OK\r\n\r\n");
    company.emit("connection", socket);
  });
  const urlOf = (server: typeof stack) => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  await Promise.all(
    [stack, company].map((server) => server.listening || new Promise((go) => server.once("listening", go))),
  );
  try {
    expect(await reached(urlOf(stack), urlOf(company), "as Node does")).toBe("company company");
    expect(await reached(urlOf(stack), urlOf(company), "direct")).toBe("stack stack");
    expect(await reached("http://keys.example/", urlOf(company), "direct")).toBe("company company");
  } finally {
    for (const server of [stack, company]) server.closeAllConnections();
    for (const server of [stack, company]) server.close();
  }
});
