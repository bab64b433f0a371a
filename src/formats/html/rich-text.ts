/**
 * A message's Markdown as HTML: no raw HTML, links to http, https and mailto alone, pictures as links (the page loads
 * nothing), headings below those of the page. What is too long for the parser is shown as plain text.
 */
import MarkdownIt from "markdown-it";
import { isSafeLink } from "../markdown-body.js";
import { escapeHtml } from "./escape.js";

const MAX_LENGTH = 200_000;
const LEVELS = 2;

function create(): InstanceType<typeof MarkdownIt> {
  const markdown = new MarkdownIt({ html: false, linkify: true, breaks: true });
  markdown.linkify.set({ fuzzyLink: false, fuzzyEmail: false, fuzzyIP: false });
  markdown.validateLink = isSafeLink;
  const { rules } = markdown.renderer;
  rules.link_open = (tokens, index, options, _env, self) => {
    tokens[index]?.attrSet("rel", "noopener noreferrer nofollow");
    tokens[index]?.attrSet("target", "_blank");
    return self.renderToken(tokens, index, options);
  };
  rules.image = (tokens, index) => {
    const token = tokens[index];
    const [source, label] = [String(token?.attrGet("src") ?? ""), token?.content ?? ""];
    return `<a class="picture" rel="noopener noreferrer nofollow" target="_blank" href="${escapeHtml(source)}">${escapeHtml(label === "" ? source : label)}</a>`;
  };
  rules.heading_open = (tokens, index) => `<h${lowered(tokens[index]?.tag)}>`;
  rules.heading_close = (tokens, index) => `</h${lowered(tokens[index]?.tag)}>\n`;
  rules.fence = (tokens, index) => codeBlock(tokens[index]?.content ?? "", tokens[index]?.info ?? "");
  rules.code_block = (tokens, index) => codeBlock(tokens[index]?.content ?? "", "");
  rules.table_open = () => '<div class="scroll"><table>\n';
  rules.table_close = () => "</table></div>\n";
  return markdown;
}

function lowered(tag: string | undefined): number {
  return Math.min(6, Number(tag?.slice(1) ?? 1) + LEVELS);
}

export function codeBlock(text: string, info: string): string {
  const language = info.trim().split(/\s+/)[0] ?? "";
  const label = language === "" ? "" : `<figcaption>${escapeHtml(language)}</figcaption>`;
  return `<figure class="code">${label}<pre tabindex="0"><code>${escapeHtml(text)}</code></pre></figure>\n`;
}

const markdown = create();

export function richText(text: string): string {
  return text.length > MAX_LENGTH ? `<p class="plain">${escapeHtml(text)}</p>` : markdown.render(text);
}
