/** Major version of Node used by the tests. */
export const testedNodeMajor = 24;

/** The oldest safe version, as numbers. */
const oldest = [24, 18, 1] as const;

/**
 * One line that says why this version of Node cannot run the programs; undefined if it can. Before 24.18.1 `headers`
 * and `rawHeaders` differ on requests with over 1,000 header lines, and a request can be smuggled (nodejs/node 61284).
 *
 * @param version as in `process.versions.node`
 */
export function nodeVersionProblem(version: string): string | undefined {
  const given = version.split(".").map((part) => Number.parseInt(part, 10));
  const at = oldest.findIndex((wanted, index) => given[index] !== wanted);
  if (at === -1 || (given[at] ?? 0) > (oldest[at] ?? 0)) return undefined;
  return `Node ${version} is too old: install Node ${oldest.join(".")} or later (older ones can be made to misread requests)`;
}
