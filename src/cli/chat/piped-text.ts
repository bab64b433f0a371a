/** Piped bytes as text; if they are not text, a warning says what became of them. Pure. */
import { pluralize } from "../terminal/text/format.js";

export interface PipedText {
  readonly text: string;
  /** Undefined for what is text. */
  readonly warning: string | undefined;
}

const REPLACEMENT = 0xfffd;

export function decodePiped(bytes: Buffer): PipedText {
  const text = new TextDecoder().decode(bytes);
  const [replaced, nulls] = [replacedIn(text, bytes), countOf(text, 0)];
  const became = [
    ...(replaced === 0
      ? []
      : [
          `${pluralize(replaced, "piece")} of it ${replaced === 1 ? "is not UTF-8 and was" : "are not UTF-8 and were"} replaced by U+FFFD`,
        ]),
    ...(nulls === 0 ? [] : [`${pluralize(nulls, "NUL character")} ${nulls === 1 ? "is" : "are"} in it`]),
  ];
  return {
    text,
    warning:
      became.length === 0
        ? undefined
        : `stdin is not text: ${became.join(", ")}; to use it, convert it first, for example with iconv`,
  };
}

/** A replacement character that was piped in stays what it is, and counts as none. */
function replacedIn(text: string, bytes: Buffer): number {
  const shown = countOf(text, REPLACEMENT);
  if (shown === 0) return 0;
  const own = Buffer.from(String.fromCharCode(REPLACEMENT));
  let given = 0;
  for (let at = bytes.indexOf(own); at >= 0; at = bytes.indexOf(own, at + own.length)) given += 1;
  return shown - given;
}

function countOf(text: string, code: number): number {
  let count = 0;
  for (let at = 0; at < text.length; at += 1) if (text.charCodeAt(at) === code) count += 1;
  return count;
}
