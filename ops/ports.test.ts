import { expect, test } from "vitest";
import { portsOf } from "./ports.ts";
import { replicaNumber } from "./stack/replica-id.ts";

test("PORT_BASE moves every default, a port's own variable overrides it, an empty one is unset", () => {
  const port = portsOf(1_000, { PROXY_PORT: "80", REDIS_PORT: "" });
  expect(port("PROXY_PORT")).toBe(80);
  expect(port("REDIS_PORT")).toBe(7_390);
  expect(port("SIGNALING_2_ADMIN_PORT")).toBe(10_102);
  expect(() => port("NOSUCH_PORT")).toThrow("ports.env has no NOSUCH_PORT");
});

test("a replica's number follows the last dash", () => {
  expect(replicaNumber("signaling-4")).toBe("4");
});
