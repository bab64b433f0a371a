/** One line of Markdown as styled spans: emphasis, code, links. What is not closed is text as it stands. Pure. */
import MarkdownIt, { type Token } from "markdown-it";
import { toSafeLine } from "../text/safe-text.js";
import type { Paint, Style } from "../text/style.js";
import { unpainted, type Span } from "../text/wrap.js";

let parser: InstanceType<typeof MarkdownIt> | undefined;

/** Made when it is first needed: few commands show Markdown. */
export function markdown(): InstanceType<typeof MarkdownIt> {
  parser ??= new MarkdownIt({ html: false, linkify: false });
  return parser;
}

/** What an opener that is not closed yet, or never is, looks like in text. An underscore inside a word opens nothing. */
const OPENER = /[*`[~]|(?<!\w)_/;

export function mayChange(shown: string): boolean {
  return OPENER.test(shown);
}

export function inlineSpans(source: string, style: Style, base: Paint = unpainted): Span[] {
  return spansOf(markdown().parseInline(source, {})[0]?.children ?? [], style, base);
}

/** Of what markdown-it has parsed. An entity may spell a control character: each text is made safe after it was read. */
export function spansOf(tokens: readonly Token[], style: Style, base: Paint): Span[] {
  return new Painter(style, base)
    .paint(tokens)
    .map(({ text, paint }) => ({ text: toSafeLine(text), paint }))
    .filter(({ text }) => text !== "");
}

class Painter {
  readonly #paints: Paint[];
  readonly #links: { readonly href: string; text: string }[] = [];
  #current: Paint;

  constructor(
    private readonly style: Style,
    base: Paint,
  ) {
    this.#paints = [base];
    this.#current = base;
  }

  paint(tokens: readonly Token[]): Span[] {
    return tokens.flatMap((token) => this.#span(token));
  }

  #span(token: Token): Span[] {
    const { style } = this;
    switch (token.type) {
      case "strong_open":
        return this.#enter(style.bold);
      case "em_open":
        return this.#enter(style.italic);
      case "s_open":
        return this.#enter(style.dim);
      case "link_open":
        return this.#enterLink(token);
      case "link_close":
        return this.#leaveLink();
      case "strong_close":
      case "em_close":
      case "s_close":
        return this.#leave();
      case "code_inline":
        return this.#text(token.content, style.cyan);
      case "image":
        return [...this.#text(token.content, style.italic), ...this.#text(` (${attribute(token, "src")})`, style.dim)];
      case "softbreak":
      case "hardbreak":
        return this.#text(" ");
      default:
        return this.#text(token.content);
    }
  }

  #text(text: string, more: Paint = unpainted): Span[] {
    const link = this.#links.at(-1);
    if (link !== undefined) link.text += text;
    const outer = this.#current;
    return [{ text, paint: more === unpainted ? outer : (shown) => outer(more(shown)) }];
  }

  #enter(paint: Paint): Span[] {
    const outer = this.#current;
    this.#paints.push((text) => outer(paint(text)));
    this.#current = this.#paints.at(-1) ?? unpainted;
    return [];
  }

  #leave(): Span[] {
    this.#paints.pop();
    this.#current = this.#paints.at(-1) ?? unpainted;
    return [];
  }

  #enterLink(token: Token): Span[] {
    this.#links.push({ href: attribute(token, "href"), text: "" });
    return this.#enter(this.style.underline);
  }

  /** The address behind the words, unless they are the address. */
  #leaveLink(): Span[] {
    this.#leave();
    const link = this.#links.pop();
    if (link === undefined || link.href === link.text || link.href === `mailto:${link.text}`) return [];
    return this.#text(` (${link.href})`, this.style.dim);
  }
}

function attribute(token: Token, name: string): string {
  const value = token.attrGet(name);
  return value === null ? "" : String(value);
}
