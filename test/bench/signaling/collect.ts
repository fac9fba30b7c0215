/**
 * Loaded into a measured server by `--import`: on SIGUSR2 it collects its garbage, so that what is left is what its
 * connections keep and not how far its heap has grown.
 */
process.on("SIGUSR2", () => {
  const { gc } = globalThis;
  gc?.();
  gc?.();
});
