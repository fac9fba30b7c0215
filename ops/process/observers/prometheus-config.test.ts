import { expect, test } from "vitest";
import { portsOf } from "../../ports.ts";
import { hostAddresses, translate } from "./host-addresses.ts";
import { placeTargets } from "./prometheus-config.ts";

const addresses = hostAddresses(portsOf(100, {}));

test("names of the compose network become addresses of this host; other text stays", () => {
  expect(translate("http://caller:9100/alerts", addresses)).toBe("http://127.0.0.1:9210/alerts");
  expect(translate("signaling-2:9100 my-proxy:9100 proxy:91000", addresses)).toBe(
    "127.0.0.1:9202 my-proxy:9100 proxy:91000",
  );
});

test("a target keeps its compose name as instance, and absent services are left out", () => {
  const placed = placeTargets(
    [{ targets: ["signaling-1:9100", "redis-exporter:9121"], labels: { job: "x" } }],
    addresses,
    ["redis-exporter"],
  );
  expect(placed).toEqual([{ targets: ["127.0.0.1:9201"], labels: { instance: "signaling-1:9100", job: "x" } }]);
});
