import { defineConfig } from "vitest/config";

/** Servers of the backplane: `THIRD=1`, `2` or `3` runs the tests of one overlay; unset, all run. */
const backplanes = ["redis-sentinel", "redis-cluster", "nats"];
const { THIRD: third } = process.env;
const others = third === undefined ? [] : backplanes.filter((_, place) => place !== Number(third) - 1);

/**
 * Only `make test-compose` runs these tests, because they need a Docker Engine. The files run one after the other; each
 * has a stack of its own.
 */
export default defineConfig({
  test: {
    include: ["test/compose/**/*.test.ts"],
    exclude: others.map((name) => `test/compose/${name}.test.ts`),
    pool: "forks",
    fileParallelism: false,
    testTimeout: 120_000,
    hookTimeout: 420_000,
  },
});
