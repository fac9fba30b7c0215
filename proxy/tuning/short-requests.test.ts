import http, { Agent } from "node:http";
import { createRequire } from "node:module";
import { expect, test } from "vitest";

const require = createRequire(import.meta.url);
const ours = require("./short-requests.cjs") as Pick<typeof http, "request" | "createServer">;
const { setupOutgoing } = require("http-proxy/lib/http-proxy/common.js") as {
  setupOutgoing(outgoing: object, options: object, request: object): http.RequestOptions;
};

/** Keeps what Node hands to the agent of a request, and connects to nothing. */
class Recorder extends Agent {
  seen: Record<string, unknown> = {};
  addRequest(_request: unknown, options: Record<string, unknown>): void {
    this.seen = options;
  }
}

test.each(["/socket.io/?EIO=4", "//twice//"])("what http-proxy asks of Node for %s, its own http hands on", (url) => {
  const agent = new Recorder();
  const target = { host: "127.0.0.1", port: "3000", protocol: "http:" };
  const options = { target, agent, prependPath: false, toProxy: true };
  const outgoing = setupOutgoing({}, options, { method: "GET", url, headers: ["Host", "h"] });
  const asked = (from: Pick<typeof http, "request">) => {
    from.request(outgoing);
    return Object.fromEntries(Object.entries(agent.seen).filter(([, value]) => value !== undefined));
  };
  const [plain, handed] = [asked(http), asked(ours)];
  expect(handed).toEqual(plain);
  expect(handed).toMatchObject({ host: "127.0.0.1", port: "3000", method: "GET", path: outgoing.path });
  expect(Object.keys(agent.seen).length).toBeLessThan(Object.keys(outgoing).length);
});

test("all other parts of Node's http exist", () => {
  expect(ours.createServer).toBe(http.createServer);
});
