import { defineConfig } from "vite";

/** The board's page. The charts are in a file of their own, which only views with charts load. */
export default defineConfig({
  build: {
    // The file of the charts has this size. The whole board stays below 400 KiB compressed.
    chunkSizeWarningLimit: 700,
    outDir: "dist",
    emptyOutDir: true,
    target: "es2022",
    sourcemap: false,
    modulePreload: { polyfill: false },
  },
  logLevel: "warn",
});
