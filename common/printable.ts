/**
 * Characters that control a terminal or are invisible: C0 and C1 controls, marks that reorder or hide text, separators
 * of lines and paragraphs, lone surrogates, fillers. Line feed and tab are layout and are kept. The selectors of an
 * emoji's form (U+FE0E, U+FE0F) are kept too.
 */
const unprintable = /(?!\n|\t|\ufe0e|\ufe0f)[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu;

/**
 * `text` with those characters as `\uXXXX`, so that JSON still parses to the same value. Text chosen by clients must
 * pass through it before it is printed.
 */
export function escapeUnprintable(text: string): string {
  return text.replace(unprintable, (character) => {
    const units = Array.from({ length: character.length }, (_, at) => character.charCodeAt(at));
    return units.map((unit) => `\\u${unit.toString(16).padStart(4, "0")}`).join("");
  });
}

/** The same for a single line: also escapes line feeds and tabs. */
export function escapeLine(text: string): string {
  return escapeUnprintable(text).replaceAll("\n", "\\n").replaceAll("\t", "\\t");
}
