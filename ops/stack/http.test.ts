import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { askAdmin, HttpError } from "./http.ts";

const server = createServer((request, response) => {
  if (request.url === "/refuses") response.writeHead(503).end("not now\n");
  // It ends in the middle of its answer, as when it is killed.
  else response.writeHead(200, { "content-length": 100 }).write('{"half', () => response.destroy());
});
let url = "";
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => void server.close());

test.each([
  ["an error status", "/refuses", /^GET http:.*refuses answered 503: not now$/],
  ["half an answer", "/half", /^GET http:.*half failed: /],
])("%s is an HttpError of one line", async (_what, path, line) => {
  const error = await askAdmin(`${url}${path}`).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(HttpError);
  expect((error as Error).message).toMatch(line);
});
