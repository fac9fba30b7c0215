import { defineConfig } from "vitest/config";

/** Run by `make test-compose` alone: it needs a Docker Engine. One file after the other: each has a stack of its own. */
export default defineConfig({
  test: {
    include: ["test/compose/**/*.test.ts"],
    pool: "forks",
    fileParallelism: false,
    testTimeout: 120_000,
    hookTimeout: 420_000,
  },
});
