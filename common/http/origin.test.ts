import { expect, test } from "vitest";
import { canonicalOrigin, createOriginLog, isSameOrigin, mayConnect, originList } from "./origin.ts";

test.each([
  ["https://calls.example", "calls.example"],
  ["https://calls.example", "calls.example:443"],
  ["https://calls.example:443", "calls.example"],
  ["http://calls.example", "calls.example:80"],
  ["http://calls.example:80", "CALLS.example"],
  ["HTTPS://Calls.Example", "calls.example"],
  ["wss://calls.example", "calls.example:443"],
  ["ws://calls.example:8080", "calls.example:8080"],
  ["https://[2001:DB8::1]:8443", "[2001:db8:0::1]:8443"],
  ["https://bücher.example", "xn--bcher-kva.example"],
])("%s is the origin of %s", (origin, host) => {
  expect(isSameOrigin(origin, host)).toBe(true);
  expect(mayConnect(origin, host, undefined)).toBe(true);
});

test.each([
  ["https://calls.example", "calls.example:80"],
  ["http://calls.example", "calls.example:443"],
  ["https://calls.example:8443", "calls.example"],
  ["https://evil.example", "calls.example"],
  ["https://calls.example.evil.example", "calls.example"],
  ["https://calls.example@evil.example", "calls.example"],
  ["https://evil.example/calls.example", "calls.example"],
  ["https://calls.example", "calls.example/x"],
  ["https://calls.example", "user@calls.example"],
  ["https://calls.example", ""],
  ["null", "null"],
  ["", ""],
  ["file://", ""],
  ["capacitor://localhost", "localhost"],
])("%s is not the origin of %s", (origin, host) => {
  expect(isSameOrigin(origin, host)).toBe(false);
  expect(mayConnect(origin, host, undefined)).toBe(false);
});

test("listed origins in every spelling, the same origin and clients without an origin may connect", () => {
  const allowed = originList().parse(" https://App.example:443 ,, capacitor://localhost,http://localhost:5173 ");
  expect(allowed).toEqual(["https://app.example", "capacitor://localhost", "http://localhost:5173"]);
  for (const origin of ["https://app.example", "wss://APP.example:443", "capacitor://localhost", "ws://localhost:5173"])
    expect([origin, mayConnect(origin, "calls.example", allowed)]).toEqual([origin, true]);
  for (const origin of ["http://app.example", "https://localhost:5173", "https://app.example.evil", "null"])
    expect([origin, mayConnect(origin, "calls.example", allowed)]).toEqual([origin, false]);
  expect(mayConnect("https://calls.example", "calls.example", allowed)).toBe(true);
  expect(mayConnect(undefined, undefined, allowed)).toBe(true);
  expect(mayConnect("null", "calls.example", originList().parse("*"))).toBe(true);
});

test.each([
  ["https://app.example/", "https://app.example"],
  ["app.example", "https://app.example"],
  ["https://app.example/path?x", "https://app.example"],
  ["https://user@app.example", "https://app.example"],
  ["https://*.example", "https://host"],
  ["null", "https://host"],
  ["https://", "https://host"],
  ["https://a b", "https://host"],
])("%s is not an origin, and the error says what to write", (value, wanted) => {
  const result = originList().safeParse(`https://fine.example,${value}`);
  expect(result.error?.issues.map(({ message }) => message)).toEqual([
    expect.stringContaining(`"${value}" is no origin: write ${wanted}`),
  ]);
});

test("a long text is refused at once", () => {
  const startedAt = performance.now();
  for (const text of ["a".repeat(16_000), `${"a".repeat(8_000)}://${"b".repeat(8_000)}`, "://".repeat(5_000)])
    expect(canonicalOrigin(text)).toBeUndefined();
  expect(performance.now() - startedAt).toBeLessThan(50);
});

test("the first refusal of each origin is logged with both values, up to a limit", () => {
  const lines: unknown[][] = [];
  const tell = createOriginLog({ warn: (...args: unknown[]) => lines.push(args) } as unknown as Parameters<
    typeof createOriginLog
  >[0]);
  tell("https://app.example", "calls.example");
  tell("https://app.example", "calls.example");
  expect(lines).toEqual([
    [
      { origin: "https://app.example", host: "calls.example" },
      expect.stringMatching(/ALLOWED_ORIGINS.*TRUSTED_PROXIES/),
    ],
  ]);
  for (let i = 0; i < 1_000; i++) tell(`https://${i}.example`, "calls.example");
  expect(lines).toHaveLength(32);
});
