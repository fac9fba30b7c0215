import { execFileSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { combinations, render, renderWith, workloads } from "./objects.ts";
import { problemsOf } from "./problems.ts";

const root = join(import.meta.dirname, "../../..");
const rendered = new Map(
  combinations.map((components) => [["base", ...components].join(" + "), renderWith(components)] as const),
);
/** `kubectl apply` keeps each object in an annotation, whose maximum is 256 KiB. */
const annotationBytes = 262_144;

/** What the strict decoder says of a text: nothing, or the unknown field. Its path is in MANIFEST_DECODER. */
function decode(text: string): string {
  const decoder = process.env["MANIFEST_DECODER"];
  if (decoder === undefined) throw new Error("MANIFEST_DECODER is not set: run make test-manifests");
  try {
    execFileSync(decoder, { input: text, encoding: "utf8", stdio: ["pipe", "pipe", "pipe"] });
    return "";
  } catch (error) {
    return (error as { stdout: string }).stdout;
  }
}

describe.each([...rendered.keys()])("%s", (folder) => {
  const { text = "", objects = [] } = rendered.get(folder) ?? {};

  test("is what compose.yaml, the settings and the reach of the networks say", () => {
    expect(workloads(objects).length).toBeGreaterThan(2);
    expect(problemsOf(objects)).toEqual([]);
  });

  test("decodes strictly with the types of a current Kubernetes", () => {
    expect(decode(text)).toBe("");
  });

  test("can be applied by kubectl: all in one namespace, none too large for its annotation", () => {
    const outside = objects.filter(
      ({ kind, metadata }) => kind !== "Namespace" && metadata.namespace !== "hold-the-line",
    );
    const large = objects.filter((object) => JSON.stringify(object).length > annotationBytes);
    expect([...outside, ...large].map(({ metadata }) => metadata.name)).toEqual([]);
  });
});

test("the folder `monitored` is the base with monitoring", () => {
  expect(render("monitored").text).toBe(rendered.get("base + monitoring")?.text);
});

test("the ConfigMaps hold every rule file, every file of Redis and of NATS and every dashboard", () => {
  const monitored = rendered.get("base + monitoring + nats")?.objects ?? [];
  const all = [...monitored, ...(rendered.get("base")?.objects ?? [])];
  const data = new Set(all.flatMap((object) => Object.keys(object.data ?? {})));
  const files = ["prometheus/rules", "prometheus/slo", "redis", "nats", "grafana/dashboards"].flatMap((folder) =>
    readdirSync(join(root, folder)),
  );
  // No application runs here in place of the replicas, and no Redis Cluster.
  const elsewhere = ["kustomization.yaml", "app.acl", "cluster.acl", "cluster.conf", "join-cluster.sh"];
  const missing = files.filter((file) => !data.has(file) && !elsewhere.includes(file));
  expect(missing).toEqual([]);
});

test.each([[["sentinel", "nats"]], [["nats", "sentinel"]]] as const)(
  "two kinds of backplane cannot be combined: %s",
  (chosen) => {
    expect(() => renderWith(chosen)).toThrow(/already registered id: .*choose-one-of-the-components-sentinel-and-nats/);
  },
);

test.each([
  ["publishNotReadyAddresses", "publishNotReadyAdresses"],
  ["terminationGracePeriodSeconds", "terminationGraceSeconds"],
  ["podManagementPolicy: Parallel", "podManagement: Parallel"],
  ["externalTrafficPolicy", "externalTraffic"],
  ["readOnlyRootFilesystem", "readOnlyRootFileSystem"],
])("a misspelled field is found: %s", (field, misspelled) => {
  const text = rendered.get("base")?.text ?? "";
  expect(text).toContain(field);
  expect(decode(text.replace(field, misspelled))).toContain("unknown field");
});
