import { afterAll, beforeAll, expect, test } from "vitest";
import { until } from "../support/poll.ts";
import { type ComposeStack, startComposeStack } from "./compose-stack.ts";

let stack: ComposeStack;
beforeAll(async () => {
  stack = await startComposeStack({ env: { APP: "examples/chat/app.env" } });
});
afterAll(() => stack?.[Symbol.asyncDispose]());

test("make up APP= runs the application in place of the replicas, behind the same proxy", async () => {
  const url = stack.url("PROXY_PORT");
  expect(await (await fetch(`${url}/rooms`)).json()).toEqual({ rooms: ["lobby", "support"] });
  const upload = await fetch(`${url}/uploads`, { method: "POST", body: new Uint8Array(5 * 1_024 * 1_024) });
  expect(upload.status).toBe(201);
  expect(upload.headers.get("x-replica")).toMatch(/^signaling-[123]$/);
});

test("it is hardened as the replicas are, and is not where the admin listeners are", () => {
  for (const id of ["signaling-1", "signaling-2", "signaling-3"]) {
    const { HostConfig: host, Config, NetworkSettings } = stack.inspect().get(id) ?? {};
    expect({
      user: Config?.User,
      readOnly: host?.ReadonlyRootfs,
      dropped: host?.CapDrop,
      security: host?.SecurityOpt,
      memory: host?.Memory,
      networks: Object.keys(NetworkSettings?.Networks ?? {}).map((name) => name.split("_").at(-1)),
    }).toEqual({
      user: "1000:1000",
      readOnly: true,
      dropped: ["ALL"],
      security: ["no-new-privileges:true"],
      memory: 256 * 1_024 * 1_024,
      networks: expect.not.arrayContaining(["monitoring"]),
    });
  }
});

test("Prometheus watches what there is to watch, and nothing looks down", async () => {
  /** The targets as Prometheus saw them last, a line each. It looks at each for the first time within 5 s. */
  const targets = async () => {
    const answer = await fetch(`${stack.url("PROMETHEUS_PORT")}/api/v1/query?query=up`);
    type Sample = { metric: { job: string }; value: [number, string] };
    const { data } = (await answer.json()) as { data: { result: Sample[] } };
    return data.result.map(({ metric, value }) => `${metric.job} ${value[1]}`);
  };
  await until("all are up", async () => {
    const seen = await targets();
    return ["proxy 1", "caller 1"].every((one) => seen.includes(one)) && seen.every((line) => line.endsWith(" 1"));
  });
  expect((await targets()).join()).not.toMatch("signaling");
});

test("kill-node passes with a report, and deviates when no client reconnects", async () => {
  expect(await stack.make("drill", "DRILL=kill-node", "SEED=1")).toContain("kill-node: passed");
  expect(await stack.make("report")).toContain("not applicable: no media");
  await expect(stack.make("drill", "DRILL=kill-node", "SEED=1", "CONTROL=1")).rejects.toThrow(/kill-node: deviated/);
}, 240_000);
