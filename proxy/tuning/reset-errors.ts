/**
 * Leaves the error of a connection that its peer has reset without a stack. Node writes the stack of every socket's
 * error out at once; of these it says nothing (one frame, in Node), and clients that leave make them by the thousand.
 * All other errors read as always.
 */
export function spareStacksOfResets(): void {
  Error.prepareStackTrace = (error: NodeJS.ErrnoException, frames) =>
    error.code === "ECONNRESET" ? String(error) : [String(error), ...frames].join("\n    at ");
}
