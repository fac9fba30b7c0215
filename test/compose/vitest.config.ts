import { defineConfig } from "vitest/config";

/**
 * Only `make test-compose` runs these tests, because they need a Docker Engine. The files run one after the other; each
 * has a stack of its own.
 */
export default defineConfig({
  test: {
    include: ["test/compose/**/*.test.ts"],
    pool: "forks",
    fileParallelism: false,
    testTimeout: 120_000,
    hookTimeout: 420_000,
  },
});
