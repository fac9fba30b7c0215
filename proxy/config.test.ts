import { expect, test } from "vitest";
import { loadConfig } from "../common/config.ts";
import { proxyConfig } from "./config.ts";

const REPLICAS = "signaling-1=http://signaling-1:3000, b=http://127.0.0.1:3002|http://127.0.0.1:9102/readyz";

test("replicas have an id, an origin and a ready URL that defaults to port 9100", () => {
  const [first, second] = loadConfig(proxyConfig, { REPLICAS }).REPLICAS;
  expect(first).toMatchObject({ id: "signaling-1", host: "signaling-1", port: 3000 });
  expect(first?.readyUrl.href).toBe("http://signaling-1:9100/readyz");
  expect(second?.readyUrl.href).toBe("http://127.0.0.1:9102/readyz");
});

test.each([
  ["signaling-1", "is not id=http"],
  ["a=ftp://x", "no http:// URL"],
  ["a=http://x/path", "origin without path"],
  ["a b=http://x", "no replica id"],
  ["a=http://x,a=http://y", "named twice"],
])("REPLICAS=%s is refused with a reason", (replicas, reason) => {
  expect(() => loadConfig(proxyConfig, { REPLICAS: replicas })).toThrow(reason);
});

test.each(["*", "/a*", "socket.io/", "/*/a", "/a/?b", "/a/../b", "//", "/a%20b", "http://x/"])(
  "PROXY_PATHS=%s is refused with a reason",
  (path) => {
    expect(() => loadConfig(proxyConfig, { REPLICAS, PROXY_PATHS: `/,${path}` })).toThrow(`"${path}"`);
  },
);

test("all forms of a path are taken, and /* is none of Engine.IO's", () => {
  const PROXY_PATHS = "/*,/api/*,/socket.io/,/ws,/";
  expect(loadConfig(proxyConfig, { REPLICAS, PROXY_PATHS }).PROXY_PATHS).toEqual(PROXY_PATHS.split(","));
  expect(() => loadConfig(proxyConfig, { REPLICAS, ENGINE_IO_PATHS: "/*" })).toThrow('write "/"');
});

test("the sticky secret is never printed, and bad trusted proxies are named", () => {
  const load = () => loadConfig(proxyConfig, { REPLICAS, TRUSTED_PROXIES: "10.0.0.0/99", STICKY_SECRET: "s3cret" });
  expect(load).toThrow("10.0.0.0/99");
  expect(load).not.toThrow("s3cret");
});
