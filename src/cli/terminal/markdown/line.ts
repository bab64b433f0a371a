/** Classifies a line of Markdown by its start: its mark as a person reads it, the margin of further rows, its text. Pure. */
import type { Paint, Style } from "../text/style.js";
import { displayWidth } from "../text/width.js";
import { plainSpan, unpainted, type Span } from "../text/wrap.js";

export interface LineLook {
  readonly first: Span;
  readonly rest: Span;
  /** What is left of the line, in Markdown. */
  readonly body: string;
  readonly base: Paint;
}

const HEADING = /^ {0,3}(#{1,6})[ \t]+(.*?)(?:[ \t]+#+)?[ \t]*$/;
const RULE = /^ {0,3}([-*_])(?:[ \t]*\1){2,}[ \t]*$/;
const QUOTE = /^ {0,3}((?:>[ \t]?)+)(.*)$/;
const ITEM = /^([ \t]*)([-*+]|\d{1,9}[.)])([ \t]+)(?:\[([ xX])\][ \t]+)?(.*)$/;
const FENCE = /^[ \t]*(`{3,}|~{3,})(.*)$/;
const TABLE_ROW = /^ {0,3}\|/;
const RULE_LENGTH = 40;
const BULLET = "•";

/** The marks that end the code block which this line opens; undefined if it opens none. */
export function fenceOf(line: string): string | undefined {
  const [, marks, info = ""] = FENCE.exec(line) ?? [];
  return marks !== undefined && !(marks.startsWith("`") && info.includes("`")) ? marks : undefined;
}

export function closesFence(line: string, fence: string): boolean {
  const marks = line.trim();
  return marks.length >= fence.length && marks === fence.charAt(0).repeat(marks.length);
}

export function isTableRow(line: string): boolean {
  return TABLE_ROW.test(line);
}

export function isRule(line: string): boolean {
  return RULE.test(line);
}

export function ruleRow(columns: number, style: Style): string {
  return style.dim("─".repeat(Math.min(RULE_LENGTH, columns)));
}

export function lookOf(line: string, style: Style): LineLook {
  return heading(line, style) ?? quote(line, style) ?? item(line) ?? paragraph(line);
}

function heading(line: string, style: Style): LineLook | undefined {
  const [, marks, body] = HEADING.exec(line) ?? [];
  if (marks === undefined || body === undefined) return undefined;
  const base: Paint = marks.length === 1 ? (text) => style.bold(style.underline(text)) : style.bold;
  return { first: plainSpan(""), rest: plainSpan(""), body, base };
}

function quote(line: string, style: Style): LineLook | undefined {
  const [, marks, body] = QUOTE.exec(line) ?? [];
  if (marks === undefined || body === undefined) return undefined;
  const bar = { text: "│ ".repeat(marks.replaceAll(/[^>]/g, "").length), paint: style.dim };
  return { first: bar, rest: bar, body, base: style.italic };
}

function item(line: string): LineLook | undefined {
  const [, indent, mark, , box, body] = ITEM.exec(line) ?? [];
  if (indent === undefined || mark === undefined || body === undefined) return undefined;
  const bullet = /\d/.test(mark) ? mark : BULLET;
  const check = box === undefined ? "" : box === " " ? "☐ " : "☑ ";
  const first = plainSpan(`${indent.replaceAll("\t", "    ")}${bullet} ${check}`);
  return { first, rest: plainSpan(" ".repeat(displayWidth(first.text))), body, base: unpainted };
}

/** Keeps its indentation: it may continue a list item. */
export function paragraph(line: string): LineLook {
  const body = line.trimStart();
  const margin = plainSpan(line.slice(0, line.length - body.length).replaceAll("\t", "    "));
  return { first: margin, rest: margin, body, base: unpainted };
}
