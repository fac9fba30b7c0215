import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { expect, test, vi } from "vitest";
import { schema } from "../config.ts";
import { allowsRoom, createAuthorizer, type NotNowError } from "./authorize.ts";

const secret = "a-secret-of-sixteen-bytes-at-least";
const key = new TextEncoder().encode(secret);
const config = (env: Record<string, string> = {}) => schema.parse({ AUTH: "jwt", JWT_SECRET: secret, ...env });
const token = (claims: Record<string, unknown>, alg = "HS256") =>
  new SignJWT(claims).setProtectedHeader({ alg }).setSubject("alice").setExpirationTime("5m").sign(key);

test("a good token grants its subject, rooms and role until it expires", async () => {
  const check = createAuthorizer(config());
  const grant = await check?.(await token({ rooms: ["team-*"], role: "listener" }));
  expect(grant).toMatchObject({ subject: "alice", rooms: ["team-*"], role: "listener" });
  expect((grant?.expiresAt ?? 0) - Date.now()).toBeGreaterThan(290_000);
});

test("no token, garbage, another key, another algorithm, an expired one and a wrong audience are refused", async () => {
  const check = createAuthorizer(config({ JWT_AUDIENCE: "calls" }));
  const other = new SignJWT({ aud: "calls" })
    .setProtectedHeader({ alg: "HS256" })
    .setSubject("a")
    .setExpirationTime("5m");
  const expired = new SignJWT({ aud: "calls" })
    .setProtectedHeader({ alg: "HS256" })
    .setSubject("a")
    .setExpirationTime(1);
  await expect(check?.(undefined)).rejects.toThrow("a token is needed");
  await expect(check?.("garbage")).rejects.toThrow("not valid");
  await expect(check?.(await other.sign(new TextEncoder().encode("another-secret-of-sixteen-bytes")))).rejects.toThrow(
    "not valid",
  );
  await expect(check?.(await token({ aud: "calls" }, "HS512"))).rejects.toThrow("not valid");
  await expect(check?.(await expired.sign(key))).rejects.toThrow("has expired");
  await expect(check?.(await token({ aud: "other" }))).rejects.toThrow("not valid");
  await expect(check?.(await token({ aud: "calls" }))).resolves.toMatchObject({ subject: "alice" });
});

test("without AUTH no token is needed; with AUTH and without a key the replica does not start", () => {
  expect(createAuthorizer(schema.parse({}))).toBeNull();
  expect(() => createAuthorizer(schema.parse({ AUTH: "jwt" }))).toThrow("JWT_SECRET");
});

test("room patterns: exact, prefix, infix, all", () => {
  const grant = (rooms: string[] | null) => ({ subject: "a", expiresAt: 0, rooms, role: "peer" as const });
  expect(allowsRoom(null, "x")).toBe(true);
  expect(allowsRoom(grant(null), "x")).toBe(true);
  expect(allowsRoom(grant([]), "x")).toBe(false);
  expect(allowsRoom(grant(["x"]), "x")).toBe(true);
  expect(allowsRoom(grant(["x"]), "xy")).toBe(false);
  expect(allowsRoom(grant(["team-*"]), "team-7")).toBe(true);
  expect(allowsRoom(grant(["a*b*c"]), "a1b2c")).toBe(true);
  expect(allowsRoom(grant(["a*b*c"]), "a1c")).toBe(false);
  expect(allowsRoom(grant(["ab*ba"]), "aba")).toBe(false);
});

test("clocks may differ by 5 s: a token of the near future is good, a later one gets retryAfterMs", async () => {
  const check = createAuthorizer(config());
  const soon = Math.floor(Date.now() / 1000);
  await expect(check?.(await token({ nbf: soon + 3 }))).resolves.toMatchObject({ subject: "alice" });
  const early = await check?.(await token({ nbf: soon + 20 })).catch((error: unknown) => error);
  const { data } = early as NotNowError;
  expect(data).toMatchObject({ code: "overloaded", message: "the token is not valid yet" });
  expect(data.retryAfterMs).toBeGreaterThan(10_000);
  expect(data.retryAfterMs).toBeLessThanOrEqual(20_000);
  // The end of a token has no tolerance: its session would end at once.
  const past = new SignJWT({})
    .setProtectedHeader({ alg: "HS256" })
    .setSubject("a")
    .setExpirationTime(soon - 2);
  await expect(check?.(await past.sign(key))).rejects.toThrow("has expired");
});

test("without an answer of the key set a token is not judged bad; the last good key set is used meanwhile", async () => {
  const { publicKey, privateKey } = await generateKeyPair("ES256", { extractable: true });
  const jwk = { ...(await exportJWK(publicKey)), kid: "one", alg: "ES256" };
  let isUp = false;
  const server = createServer((_, response) => {
    if (isUp) response.end(JSON.stringify({ keys: [jwk] }));
    else response.writeHead(503).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  await using _server = { [Symbol.asyncDispose]: async () => void server.close() };
  const { port } = server.address() as AddressInfo;
  const check = createAuthorizer(
    schema.parse({ AUTH: "jwt", JWKS_URL: `http://127.0.0.1:${port}/`, JWT_ISSUER: "https://id.example" }),
  );
  const sign = (kid: string, issuer = "https://id.example") =>
    new SignJWT({ rooms: ["*"] })
      .setProtectedHeader({ alg: "ES256", kid })
      .setIssuer(issuer)
      .setSubject("alice")
      .setExpirationTime("5m")
      .sign(privateKey);
  const refusal = async (text: string) => (await check?.(text).catch((error: unknown) => error)) as NotNowError;
  expect((await refusal(await sign("one"))).data).toMatchObject({ code: "overloaded", retryAfterMs: 1_000 });
  isUp = true;
  await expect(check?.(await sign("one"))).resolves.toMatchObject({ subject: "alice" });
  isUp = false;
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 3_000_000 });
  try {
    // The cache of jose is over its age by now.
    const later = await sign("one");
    await expect(check?.(later)).resolves.toMatchObject({ subject: "alice" });
    await expect(check?.(await sign("one", "https://other.example"))).rejects.toThrow("not valid");
    expect((await refusal(await sign("two"))).data).toMatchObject({ code: "overloaded" });
  } finally {
    vi.useRealTimers();
  }
});
