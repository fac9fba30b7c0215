import { Counter, Histogram, Registry } from "prom-client";
import { expect, test } from "vitest";
import { Durations, Tally } from "./tallies.ts";

const bounds = [0.01, 0.1, 1, 10];

test("a scrape gives the same text as prom-client", async () => {
  const ours = { name: "seconds", help: "Of a test", registry: new Registry() };
  const durations = new Durations(bounds, ours);
  const tally = new Tally(["replica", "code"], { name: "requests_total", help: "Of a test", registry: ours.registry });
  const plain = new Tally([], { name: "plain_total", help: "Without labels", registry: ours.registry });

  const registers = [new Registry()];
  const histogram = new Histogram({
    name: "seconds",
    help: "Of a test",
    labelNames: ["replica"],
    buckets: bounds,
    registers,
  });
  const counter = new Counter({
    name: "requests_total",
    help: "Of a test",
    labelNames: ["replica", "code"],
    registers,
  });
  new Counter({ name: "plain_total", help: "Without labels", registers }).inc();

  plain.inc();
  for (const [replica, seconds] of [
    ...([
      ["a", 0.01],
      ["a", 0.010_1],
      ["b", 10],
      ["b", 11],
      ["b", 0],
      ["a", 0.5],
    ] as const),
  ]) {
    durations.observe(replica, seconds);
    histogram.observe({ replica }, seconds);
    tally.inc(replica, seconds > 1 ? 504 : 200);
    counter.inc({ replica, code: seconds > 1 ? 504 : 200 });
  }
  expect(linesOf(await ours.registry.metrics())).toEqual(linesOf(await (registers[0] as Registry).metrics()));
});

/** Labels of a line sorted, lines sorted: neither order means anything. */
function linesOf(text: string): string[] {
  return text
    .split("\n")
    .map((line) => line.replace(/\{(.*)\}/, (_, labels: string) => `{${labels.split(",").sort().join(",")}}`))
    .sort();
}
