import { defineConfig } from "vite";

/** The board's page; its charts come in a file of their own, which only the views that draw ask for. */
export default defineConfig({
  build: {
    // The charts are one file of this size; with the rest the board stays below 400 KiB compressed.
    chunkSizeWarningLimit: 700,
    outDir: "dist",
    emptyOutDir: true,
    target: "es2022",
    sourcemap: false,
    modulePreload: { polyfill: false },
  },
  logLevel: "warn",
});
