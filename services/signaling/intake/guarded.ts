/**
 * Checks that an object of a dependency has the methods that a guard wraps or replaces. Without one, the guard would
 * have no effect.
 *
 * @throws Error at the start of the program if one is missing
 */
export function requireMethods(what: string, target: object, names: readonly string[]): void {
  const missing = names.filter((name) => typeof (target as Record<string, unknown>)[name] !== "function");
  if (missing.length > 0) throw new Error(`${what} has no ${missing.join(", ")}: its guard is without effect`);
}
