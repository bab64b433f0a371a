/**
 * Where in a text a rule finds secrets. Its pattern runs only near its keywords, so that a long text without any costs
 * a search for words; a match that reaches the end of what was looked at is looked for again in more.
 */
import { RE2JS } from "re2js";
import type { SecretRule } from "./secret-rules.js";

export interface Span {
  readonly start: number;
  readonly end: number;
}

/** What a match may need around the keyword that it contains. */
const REACH = { before: 512, after: 1024 };
/** Of the line that a match stands in: enough to know it by. */
const LINE = 500;

function* hitsOf(lower: string, keywords: readonly string[]): Generator<number> {
  const next = keywords.map((keyword) => lower.indexOf(keyword));
  for (;;) {
    const hit = next.reduce((least, at) => (at !== -1 && (least === -1 || at < least) ? at : least), -1);
    if (hit === -1) return;
    yield hit;
    for (const [index, keyword] of keywords.entries())
      if (next[index] === hit) next[index] = lower.indexOf(keyword, hit + 1);
  }
}

function* windowsOf(lower: string, { keywords, reach = REACH }: SecretRule): Generator<Span> {
  let window: Span | undefined;
  for (const hit of hitsOf(lower, keywords)) {
    const start = Math.max(0, hit - reach.before);
    const end = Math.min(lower.length, hit + reach.after);
    if (window !== undefined && start > window.end) yield window;
    window = { start: window === undefined || start > window.end ? start : window.start, end };
  }
  if (window !== undefined) yield window;
}

function lineAround(text: string, { start, end }: Span): string {
  const before = text.slice(Math.max(0, start - LINE), start);
  const after = text.slice(end, end + LINE);
  return `${before.slice(before.lastIndexOf("\n") + 1)}${text.slice(start, end)}${after.replace(/\n.*/su, "")}`;
}

export class SecretSearch {
  readonly rule: SecretRule;
  #compiled: RE2JS | undefined;

  constructor(rule: SecretRule) {
    this.rule = rule;
  }

  /** Compiled when a keyword first calls for it. */
  get #pattern(): RE2JS {
    return (this.#compiled ??= RE2JS.compile(this.rule.pattern));
  }

  /** In order, without overlaps. `lower` is the text in lower case, of the same length. */
  in(text: string, lower: string): readonly Span[] {
    const spans: Span[] = [];
    let end = 0;
    for (const window of windowsOf(lower, this.rule))
      if (window.end > end) end = this.#within(text, { start: Math.max(window.start, end), end: window.end }, spans);
    return spans;
  }

  /** Adds what the window holds to `spans`; returns where the search ended. */
  #within(text: string, window: Span, spans: Span[]): number {
    for (let current: Span | undefined = window, { end } = window; ; { end } = current) {
      current = this.#once(text, current, spans);
      if (current === undefined) return end;
    }
  }

  /** Returns the larger window to look at where a match may go on behind this one. */
  #once(text: string, window: Span, spans: Span[]): Span | undefined {
    const part = text.slice(window.start, window.end);
    if (!this.#pattern.test(part)) return undefined;
    const matcher = this.#pattern.matcher(part);
    while (matcher.find()) {
      const start = window.start + matcher.start();
      const end = window.start + matcher.end();
      if (end === window.end && end < text.length)
        return { start, end: Math.min(text.length, end + Math.max(REACH.after, end - start)) };
      const group = this.#groupsOf().find((each) => (matcher.group(each) ?? "") !== "") ?? 0;
      const secret = { start: window.start + matcher.start(group), end: window.start + matcher.end(group) };
      if (this.#accepts(text, secret, { start, end })) spans.push(secret);
    }
    return undefined;
  }

  #groupsOf(): readonly number[] {
    const { group = 0, groups } = this.rule;
    if (groups === "first") return Array.from({ length: this.#pattern.groupCount() }, (_, index) => index + 1);
    return groups ?? [group];
  }

  #accepts(text: string, secret: Span, whole: Span): boolean {
    const found = text.slice(secret.start, secret.end);
    if (found.includes("[redacted")) return false;
    const { accept } = this.rule;
    if (accept === undefined) return true;
    const match = () => text.slice(whole.start, whole.end);
    return accept(found, { match, next: text.charAt(secret.end), line: () => lineAround(text, whole) });
  }
}
