/** How long the message that is being delivered just now was on its way; deliveries are synchronous. */
export function createTransit() {
  let ms: number | undefined;
  return {
    /** ms in transit of the message being delivered; undefined outside of a delivery. */
    now: (): number | undefined => ms,
    during(transitMs: number, deliver: () => void): void {
      ms = transitMs;
      try {
        deliver();
      } finally {
        ms = undefined;
      }
    },
  };
}

export type Transit = ReturnType<typeof createTransit>;
