/**
 * Colours as functions from text to text, decided once from what it is told: whether the stream is a terminal, and the
 * environment. Styles may be nested: an inner one that ends gives the outer one back. Never makes text safe: give it safe text.
 */
export type Paint = (text: string) => string;

export interface Style {
  /** Whether these functions do anything, for those who must say the same thing another way without colour. */
  readonly colored: boolean;
  readonly bold: Paint;
  readonly dim: Paint;
  readonly italic: Paint;
  readonly underline: Paint;
  readonly inverse: Paint;
  readonly red: Paint;
  readonly green: Paint;
  readonly yellow: Paint;
  readonly blue: Paint;
  readonly magenta: Paint;
  readonly cyan: Paint;
  readonly gray: Paint;
}

export interface StyleOptions {
  readonly isTerminal: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
}

export function createStyle(options: StyleOptions): Style {
  const colored = wantsColor(options);
  const paint = (open: number, close: number): Paint => (colored ? wrapIn(open, close) : asItIs);
  return {
    colored,
    bold: paint(1, 22),
    dim: paint(2, 22),
    italic: paint(3, 23),
    underline: paint(4, 24),
    inverse: paint(7, 27),
    red: paint(31, 39),
    green: paint(32, 39),
    yellow: paint(33, 39),
    blue: paint(34, 39),
    magenta: paint(35, 39),
    cyan: paint(36, 39),
    gray: paint(90, 39),
  };
}

/** FORCE_COLOR comes first, as in Node itself; `0` and `false` force it off. An empty variable says nothing. */
function wantsColor({ isTerminal, env }: StyleOptions): boolean {
  const forced = env["FORCE_COLOR"];
  if (forced !== undefined && forced !== "") return forced !== "0" && forced !== "false";
  if (env["NO_COLOR"] !== undefined && env["NO_COLOR"] !== "") return false;
  return isTerminal && env["TERM"] !== "dumb";
}

function wrapIn(open: number, close: number): Paint {
  const start = `\u001b[${open}m`;
  const end = `\u001b[${close}m`;
  return (text) => (text === "" ? "" : start + text.replaceAll(end, end + start) + end);
}

function asItIs(text: string): string {
  return text;
}
