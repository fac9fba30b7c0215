/**
 * The named methods of an object of a dependency, which we wrap or replace: a release without one must not leave a
 * guard without effect.
 *
 * @throws Error at the start of the program where one is missing
 */
export function requireMethods(what: string, target: object, names: readonly string[]): void {
  const missing = names.filter((name) => typeof (target as Record<string, unknown>)[name] !== "function");
  if (missing.length > 0) throw new Error(`${what} has no ${missing.join(", ")}: its guard is without effect`);
}
