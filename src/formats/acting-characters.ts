/** The characters that could act on a terminal, and JSON without them. */

/** Nearly all text has none. */
const HARMLESS = /^[\n\t -~]*$/;

export function isHarmless(text: string): boolean {
  return HARMLESS.test(text);
}

/**
 * C0 but newline and tab, DEL and C1 (`Cc`), U+061C, 200E-F, 202A-E and 2066-9 (`Bidi_Control`), U+2028 and 2029. Compiled
 * when first used: that takes longer than many commands take to print.
 */
export function replaceActing(text: string, replacement: (character: string) => string): string {
  return text.replace(/(?![\n\t])\p{Cc}|\p{Bidi_Control}|\p{Zl}|\p{Zp}/gu, replacement);
}

const INVISIBLE =
  /[\u180e\u200b\u2060-\u2064\u206a-\u206f\ufeff\ufff9-\ufffb\u{1bca0}-\u{1bca3}\u{1d173}-\u{1d17a}\u{e0000}-\u{e007f}]|(?<=[\ufe00-\ufe0f\u{e0100}-\u{e01ef}])[\ufe00-\ufe0f\u{e0100}-\u{e01ef}]/gu;

/**
 * Invisible characters that could hide text: zero-width spaces, tags, invisible operators, and variation selectors
 * behind another: a character has one at most, and bytes can be told by them.
 */
export function replaceInvisible(text: string, replacement: (character: string) => string): string {
  return text.replace(INVISIBLE, replacement);
}

/** JSON that decodes to the same value and is safe to print: these characters are escaped where JSON leaves them raw. */
export function toSafeJson(json: string): string {
  if (isHarmless(json)) return json;
  return replaceInvisible(replaceActing(json, escapeUnits), escapeUnits);
}

/** A character beyond U+FFFF is two escapes. */
function escapeUnits(character: string): string {
  return Array.from({ length: character.length }, (_, at) => escapeOf(character.charCodeAt(at))).join("");
}

function escapeOf(unit: number): string {
  return `\\u${unit.toString(16).padStart(4, "0")}`;
}
