import { defineConfig } from "vitest/config";

/** Projects run one after the other. Real sockets, a real redis-server and spawned programs: files run a few at a time, deadlines are seconds. */
const shared = { testTimeout: 30_000, hookTimeout: 90_000, pool: "forks" as const };

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          ...shared,
          name: "unit",
          sequence: { groupOrder: 0 },
          include: ["{common,proxy,services,client,ops,web,grafana,prometheus}/**/*.test.ts"],
        },
      },
      {
        test: {
          ...shared,
          name: "house",
          sequence: { groupOrder: 0 },
          include: ["test/house/**/*.test.ts"],
        },
      },
      {
        test: {
          ...shared,
          name: "integration",
          sequence: { groupOrder: 1 },
          include: ["test/integration/**/*.test.ts"],
          testTimeout: 60_000,
          maxWorkers: 2,
        },
      },
      {
        test: {
          ...shared,
          name: "conformance",
          sequence: { groupOrder: 2 },
          include: ["test/conformance/**/*.test.ts"],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          maxWorkers: 2,
        },
      },
      {
        test: {
          ...shared,
          name: "proxies",
          sequence: { groupOrder: 6 },
          include: ["test/proxies/**/*.test.ts"],
          testTimeout: 60_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          ...shared,
          name: "backplanes",
          sequence: { groupOrder: 6 },
          include: ["test/backplanes/**/*.test.ts"],
          testTimeout: 180_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          ...shared,
          name: "apps",
          sequence: { groupOrder: 6 },
          include: ["test/apps/**/*.test.ts"],
          testTimeout: 300_000,
          hookTimeout: 120_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          ...shared,
          name: "drills",
          sequence: { groupOrder: 5 },
          include: ["test/drills/**/*.test.ts"],
          testTimeout: 180_000,
          hookTimeout: 120_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          ...shared,
          name: "hostile",
          sequence: { groupOrder: 6 },
          include: ["test/hostile/**/*.test.ts"],
          testTimeout: 60_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          ...shared,
          name: "manifests",
          sequence: { groupOrder: 6 },
          include: ["test/kubernetes/manifests/**/*.test.ts"],
        },
      },
      {
        test: {
          ...shared,
          name: "kubernetes",
          sequence: { groupOrder: 6 },
          include: ["test/kubernetes/stack/**/*.test.ts"],
          testTimeout: 300_000,
          hookTimeout: 180_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          ...shared,
          name: "long",
          sequence: { groupOrder: 4 },
          include: ["test/long/**/*.test.ts"],
          testTimeout: 600_000,
          hookTimeout: 60_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          ...shared,
          name: "board",
          sequence: { groupOrder: 6 },
          include: ["test/board/**/*.test.ts"],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          ...shared,
          name: "e2e",
          sequence: { groupOrder: 3 },
          include: ["test/e2e/**/*.test.ts"],
          testTimeout: 180_000,
          hookTimeout: 180_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
