/** The part of a long line in which a hit can be seen. Cuts between characters, never inside a surrogate pair. */
export interface Excerpt {
  readonly before: string;
  readonly hit: string;
  readonly after: string;
}

const ELLIPSIS = "…";

function splitsPair(text: string, index: number): boolean {
  return /^[\ud800-\udbff][\udc00-\udfff]$/.test(text.slice(index - 1, index + 1));
}

function boundary(text: string, index: number): number {
  return index > 0 && index < text.length && splitsPair(text, index) ? index - 1 : index;
}

/** At most about `width` characters; a third of what is left over the hit goes before it. */
export function excerptAround(
  text: string,
  { start, end }: { readonly start: number; readonly end: number },
  width: number,
): Excerpt {
  if (text.length <= width)
    return { before: text.slice(0, start), hit: text.slice(start, end), after: text.slice(end) };
  const shownEnd = boundary(text, Math.min(end, start + width));
  const spare = Math.max(0, width - (shownEnd - start));
  const from = boundary(text, Math.max(0, Math.min(start - Math.floor(spare / 3), text.length - width)));
  const to = boundary(text, Math.min(text.length, Math.max(shownEnd, from + width)));
  return {
    before: `${from > 0 ? ELLIPSIS : ""}${text.slice(Math.min(from, start), start)}`,
    hit: text.slice(start, shownEnd),
    after: `${text.slice(shownEnd, to)}${to < text.length ? ELLIPSIS : ""}`,
  };
}
