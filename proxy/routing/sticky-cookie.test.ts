import { expect, test } from "vitest";
import { freshId, readCookie, stickyCookie } from "./sticky-cookie.ts";

test("a new id has 128 bits and can be read from the cookie", () => {
  const id = freshId();
  expect(Buffer.from(id, "base64url")).toHaveLength(16);
  expect(readCookie(`a=1; sticky=${id}; b=2`, "sticky")).toBe(id);
});

test.each([
  [undefined, undefined],
  ["", undefined],
  ["sticky", undefined],
  ["xsticky=a", undefined],
  ["sticky=", undefined],
  ["sticky=a b", undefined],
  [`sticky=${"x".repeat(65)}`, undefined],
  ["sticky=first; sticky=second", "first"],
  ["sticky=%2F; sticky=second", "second"],
  ['sticky="quoted"', "quoted"],
  ['sticky="', undefined],
  ["sticky=foreign; sticky=abcdefghijklmnopqrstuv", "abcdefghijklmnopqrstuv"],
  ['sticky="a b"; sticky = "abcdefghijklmnopqrstuv" ; sticky=z', "abcdefghijklmnopqrstuv"],
])("of the header %j the cookie is %j", (header, value) => {
  expect(readCookie(header, "sticky")).toBe(value);
});

test("the cookie is Secure only for a client on TLS", () => {
  expect(stickyCookie("sticky", "x", false)).toBe("sticky=x; Path=/; HttpOnly; SameSite=Lax");
  expect(stickyCookie("sticky", "x", true)).toMatch(/; Secure$/);
});
