/** How long the message that is being delivered just now was on its way; deliveries are synchronous. */
export function createTransit() {
  let ms: number | undefined;
  function during(transitMs: number | undefined, deliver: () => void): void {
    const outer = ms;
    ms = transitMs;
    try {
      deliver();
    } finally {
      ms = outer;
    }
  }
  return {
    /** ms in transit of the message being delivered; undefined outside of a delivery. */
    now: (): number | undefined => ms,
    during,
    /** Runs what follows from a message but is not its delivery. */
    after: (consequence: () => void): void => during(undefined, consequence),
  };
}

export type Transit = ReturnType<typeof createTransit>;
