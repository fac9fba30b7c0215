import { defineConfig } from "vite";

/** The call page: the only thing that is built. */
export default defineConfig({
  // Relative: a proxy in front may serve the page under a path.
  base: "./",
  build: { outDir: "dist", emptyOutDir: true, target: "es2022", sourcemap: false },
  logLevel: "warn",
});
