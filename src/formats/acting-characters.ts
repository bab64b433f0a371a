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

/** JSON that decodes to the same value and is safe to print: these characters are escaped where JSON leaves them raw. */
export function toSafeJson(json: string): string {
  if (isHarmless(json)) return json;
  return replaceActing(json, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
