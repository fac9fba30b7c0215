import { expect, test } from "vitest";
import { escapeLine, escapeUnprintable } from "./printable.ts";

test.each([
  ["C0 controls", "a\u001b[31mb\u0007\r\u0000", "a\\u001b[31mb\\u0007\\u000d\\u0000"],
  ["DEL and C1 controls", "\u007f\u009b31m\u0085", "\\u007f\\u009b31m\\u0085"],
  [
    "marks that reorder",
    "\u202eevil\u202c\u2066x\u2069\u061c\u200f",
    "\\u202eevil\\u202c\\u2066x\\u2069\\u061c\\u200f",
  ],
  ["what has no width", "a\u200bb\u200d\u2060\ufeff\u00ad\u034f", "a\\u200bb\\u200d\\u2060\\ufeff\\u00ad\\u034f"],
  ["fillers and tags", "\u3164\u115f\u{e0041}", "\\u3164\\u115f\\udb40\\udc41"],
  ["separators of lines and of notes", "a\u2028b\u2029\ufff9", "a\\u2028b\\u2029\\ufff9"],
  ["half a surrogate pair", "\ud800", "\\ud800"],
])("%s are shown as their codes", (_, text, shown) => {
  expect(escapeUnprintable(text)).toBe(shown);
  expect(JSON.parse(`"${escapeUnprintable(text)}"`)).toBe(text);
});

test("letters of every script, blanks and emoji are kept", () => {
  const text = "Ä é ñ 漢字 عربى 🎉 ❤\ufe0f a/b it's \\ \"";
  expect(escapeLine(text)).toBe(text);
});

test("line feeds and tabs are kept in a text and escaped in a line", () => {
  expect(escapeUnprintable("a\n\tb")).toBe("a\n\tb");
  expect(escapeLine("a\n\tb")).toBe("a\\n\\tb");
});
