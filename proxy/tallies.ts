import { Counter, type Histogram, type Registry } from "prom-client";

/**
 * Counts and durations that cost one look-up in a map each. prom-client would check and hash the labels of every
 * observation, and a tunnel makes five. They are passed to prom-client at the scrape.
 */
export interface TallyOptions {
  name: string;
  help: string;
  registry: Registry;
}

interface Count {
  labels: Record<string, string | number>;
  count: number;
}

/** A counter with at most two labels. */
export class Tally {
  /** By the value of the first label, then by that of the second: a key made of both would be hashed each time. */
  readonly #counts = new Map<string, Map<string | number, Count>>();
  readonly #labelNames: readonly string[];

  constructor(labelNames: readonly string[], { name, help, registry }: TallyOptions) {
    this.#labelNames = labelNames;
    if (labelNames.length === 0) this.#counts.set("", new Map([["", { labels: {}, count: 0 }]]));
    const counts = this.#counts;
    new Counter({
      name,
      help,
      labelNames,
      registers: [registry],
      collect() {
        this.reset();
        for (const some of counts.values()) for (const { labels, count } of some.values()) this.inc(labels, count);
      },
    });
  }

  /** Adds one for these label values, in their order. */
  inc(first = "", second: string | number = ""): void {
    let some = this.#counts.get(first);
    const known = some?.get(second);
    if (known !== undefined) {
      known.count += 1;
      return;
    }
    if (some === undefined) {
      some = new Map();
      this.#counts.set(first, some);
    }
    const values = [first, second];
    const labels = Object.fromEntries(this.#labelNames.map((name, index) => [name, values[index] as string | number]));
    some.set(second, { labels, count: 1 });
  }
}

/** A histogram of seconds by replica. */
export class Durations {
  readonly #byReplica = new Map<string, { counts: number[]; sum: number }>();
  readonly #bounds: readonly number[];

  /** @param bounds upper bounds of the buckets, seconds, ascending */
  constructor(bounds: readonly number[], { name, help, registry }: TallyOptions) {
    this.#bounds = bounds;
    const get = () => ({ name, help, type: "histogram", aggregator: "sum", values: this.#values(name) });
    // The interface of a metric for a registry and for docs/metrics.md. prom-client's types have only its own classes.
    const metric = { name, help, labelNames: ["replica"], upperBounds: bounds, get, reset: () => undefined };
    registry.registerMetric(metric as unknown as Histogram);
  }

  observe(replica: string, seconds: number): void {
    let known = this.#byReplica.get(replica);
    if (known === undefined) {
      known = { counts: Array.from({ length: this.#bounds.length + 1 }, () => 0), sum: 0 };
      this.#byReplica.set(replica, known);
    }
    let bucket = 0;
    while (seconds > (this.#bounds[bucket] as number)) bucket += 1;
    known.counts[bucket] = (known.counts[bucket] as number) + 1;
    known.sum += seconds;
  }

  #values(name: string) {
    return [...this.#byReplica].flatMap(([replica, { counts, sum }]) => {
      let count = 0;
      const buckets = counts.map((more, index) => {
        count += more;
        return { metricName: `${name}_bucket`, labels: { le: this.#bounds[index] ?? "+Inf", replica }, value: count };
      });
      const labels = { replica };
      return [
        ...buckets,
        { metricName: `${name}_sum`, labels, value: sum },
        { metricName: `${name}_count`, labels, value: count },
      ];
    });
  }
}
