/**
 * Calls `look` repeatedly until it returns a truthy value, and returns that. A rejection of `look` counts as "not yet".
 * The error at the deadline contains the last rejection.
 *
 * @param what the end of the sentence "not within N ms: …"
 */
export async function until<T>(
  what: string,
  look: () => T | Promise<T>,
  { withinMs = 10_000, everyMs = 20 }: { withinMs?: number; everyMs?: number } = {},
): Promise<NonNullable<T>> {
  const deadline = performance.now() + withinMs;
  let last: unknown;
  for (;;) {
    try {
      const answer = await look();
      if (answer) return answer as NonNullable<T>;
      last = answer;
    } catch (error) {
      last = error;
    }
    if (performance.now() > deadline) throw new Error(`not within ${withinMs} ms: ${what} (last: ${String(last)})`);
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}
