import { defineConfig } from "vite";

/** Builds the call page. */
export default defineConfig({
  // Relative paths, because a proxy in front may serve the page under a path.
  base: "./",
  build: { outDir: "dist", emptyOutDir: true, target: "es2022", sourcemap: false },
  logLevel: "warn",
});
