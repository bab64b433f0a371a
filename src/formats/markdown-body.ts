/**
 * A message's own Markdown inside ours: it stays Markdown, yet cannot end where it likes, pass itself off as a heading of
 * the export, hold raw HTML, load a picture or link to anything but http, https and mailto. What was made of it is
 * parsed again to be sure; whatever is still not right becomes a block of plain text.
 */
import MarkdownIt, { type Token } from "markdown-it";

const strict = new MarkdownIt({ html: true, linkify: false });
strict.validateLink = () => true;

const SENTINEL = "draftstate-end-of-message";
const FENCE = /^[ \t]*(?:>[ \t]*)*(`{3,}|~{3,})(.*)$/;
/** Below the headings of the export, which has two levels. */
const LEVELS = 2;
/** Longer texts are not worth the parsing. */
const MAX_LENGTH = 200_000;

export function isSafeLink(href: string): boolean {
  return /^(?:https?:\/\/|mailto:)/i.test(href.trim());
}

export function fenced(text: string, language = ""): string {
  const longest = (text.match(/`+/g) ?? []).reduce((most, run) => Math.max(most, run.length), 2);
  const fence = "`".repeat(longest + 1);
  return `${fence}${language}\n${text}${text.endsWith("\n") ? "" : "\n"}${fence}`;
}

export function escapeMarkdown(text: string): string {
  return text.replaceAll(/[\\`*_{}[\]<>#|!~&]/g, (character) => `\\${character}`);
}

export function tamedMarkdown(text: string): string {
  if (text.length > MAX_LENGTH) return fenced(text);
  const tamed = tame(text);
  return isTame(tamed) ? tamed : fenced(text);
}

/** Outside of code spans. */
function tameLine(line: string, afterText: boolean): string {
  if (afterText && /^ {0,3}(?:=+|-{2,})[ \t]*$/.test(line)) return line.replace(/[=-]/, "\\$&");
  const heading = /^( {0,3})(#{1,6})(?=[ \t]|$)/.exec(line);
  const lowered =
    heading === null
      ? line
      : `${heading[1] ?? ""}${"#".repeat(Math.min(6, (heading[2] ?? "").length + LEVELS))}${line.slice(heading[0].length)}`;
  return lowered
    .split(/(`+[^`]*`+)/)
    .map((part, index) =>
      index % 2 === 1 ? part : part.replaceAll(/<(?!https?:\/\/[^\s<>]*>)/g, "&lt;").replaceAll("![", "!\\["),
    )
    .join("");
}

function tame(text: string): string {
  let open: string | undefined;
  let afterText = false;
  const lines = text.split("\n").map((line) => {
    const [, marks = "", info = ""] = FENCE.exec(line) ?? [];
    const inside = open !== undefined;
    if (open === undefined) open = marks === "" || (marks.startsWith("`") && info.includes("`")) ? undefined : marks;
    else if (marks.startsWith(open) && info.trim() === "") open = undefined;
    const shown = inside || open !== undefined ? line : tameLine(line, afterText);
    afterText = !inside && open === undefined && line.trim() !== "";
    return shown;
  });
  return [...lines, ...(open === undefined ? [] : [open])].join("\n");
}

function isTame(text: string): boolean {
  const env: Parameters<typeof strict.parse>[1] = {};
  const tokens = strict.parse(`${text}\n\n# ${SENTINEL}\n`, env);
  const end = tokens.slice(-3);
  const ends = end[0]?.type === "heading_open" && end[0].level === 0 && end[1]?.content === SENTINEL;
  return (
    ends &&
    tokens.slice(0, -3).every(isTameToken) &&
    Object.values(env.references ?? {}).every(({ href }) => isSafeLink(href))
  );
}

function isTameToken(token: Token): boolean {
  if (token.type.startsWith("html_") || token.type === "image") return false;
  if (token.type === "heading_open" && (token.tag === "h1" || token.tag === "h2")) return false;
  if (token.type === "link_open" && !isSafeLink(String(token.attrGet("href") ?? ""))) return false;
  return (token.children ?? []).every(isTameToken);
}
