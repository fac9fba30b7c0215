/** Transit time of the message under delivery. Deliveries are synchronous. */
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
    /** Transit time of the message under delivery, ms; undefined outside of a delivery. */
    now: (): number | undefined => ms,
    during,
    /** Runs the consequences of a message that are not its delivery. */
    after: (consequence: () => void): void => during(undefined, consequence),
  };
}

export type Transit = ReturnType<typeof createTransit>;
