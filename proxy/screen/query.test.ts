import fc from "fast-check";
import { expect, test } from "vitest";
import { queryValue } from "./query.ts";

test("it reads what URLSearchParams reads", () => {
  fc.assert(
    fc.property(fc.dictionary(fc.constantFrom("sid", "EIO", "room", "xsid", "si"), fc.string()), (values) => {
      const query = new URLSearchParams(values).toString();
      for (const name of ["sid", "EIO", "room"])
        expect(queryValue(query, name)).toBe(new URLSearchParams(query).get(name) ?? undefined);
    }),
  );
});

test("the first of several counts, and what cannot be decoded is not there", () => {
  expect(queryValue("sid=a&sid=b", "sid")).toBe("a");
  expect(queryValue("room=%E0%A4%A", "room")).toBeUndefined();
  expect(queryValue("sid", "sid")).toBeUndefined();
  expect(queryValue("", "sid")).toBeUndefined();
});
