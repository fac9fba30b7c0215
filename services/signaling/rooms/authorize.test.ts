import { SignJWT } from "jose";
import { expect, test } from "vitest";
import { schema } from "../config.ts";
import { allowsRoom, createAuthorizer } from "./authorize.ts";

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

test("without AUTH nobody needs a token; with it and no key the replica does not start", () => {
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
