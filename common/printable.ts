/**
 * Characters that a terminal obeys or that show nothing: C0 and C1 controls, marks that reorder or hide text,
 * separators of lines and paragraphs, halves of surrogate pairs, fillers. Line feed and tab are layout, and the
 * selectors of an emoji's form (U+FE0E, U+FE0F) are part of what is seen.
 */
const unprintable = /(?!\n|\t|\ufe0e|\ufe0f)[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu;

/**
 * `text` with those characters as `\uXXXX`, so that JSON still parses to the same. What strangers choose is printed.
 */
export function escapeUnprintable(text: string): string {
  return text.replace(unprintable, (character) => {
    const units = Array.from({ length: character.length }, (_, at) => character.charCodeAt(at));
    return units.map((unit) => `\\u${unit.toString(16).padStart(4, "0")}`).join("");
  });
}

/** The same for a text that must stay one line: line feeds and tabs too. */
export function escapeLine(text: string): string {
  return escapeUnprintable(text).replaceAll("\n", "\\n").replaceAll("\t", "\\t");
}
