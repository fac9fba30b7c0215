/** A command is silent for no longer than this, ms. */
const silentMs = 2_500;

/** Says on standard error that a command goes on, whenever it has said nothing for a while. */
export function sayThatItGoesOn(say: (line: string) => void) {
  const begunAt = performance.now();
  let saidAt = begunAt;
  let awaited = "";
  const looking = setInterval(() => {
    const now = performance.now();
    if (now - saidAt < silentMs) return;
    saidAt = now;
    say(`… ${Math.round((now - begunAt) / 1_000)} s${awaited === "" ? "" : `: waiting for ${awaited}`}`);
  }, 250).unref();
  return {
    /** The command has said something itself. */
    said() {
      saidAt = performance.now();
    },
    /** Sets the current subject of the wait; empty for none. */
    waitFor(what: string) {
      awaited = what;
    },
    end: () => clearInterval(looking),
  };
}
