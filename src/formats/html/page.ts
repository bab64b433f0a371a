/**
 * `html`: a conversation as one page that needs nothing else: no network, no script, its style inside. Its policy forbids
 * scripts, frames, forms and loading, whatever a message says; acting characters are made visible in the page as a whole.
 */
import type { ConversationDocument, MakeVisible } from "../document.js";
import { shownMessages } from "../../model/shown.js";
import { count, shortTime, timestampToIso, titleText } from "../words.js";
import { escapeHtml } from "./escape.js";
import { renderHistory } from "./history.js";
import { renderMessage, statusClass } from "./message.js";
import { STYLE } from "./style.js";

const POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'";

function facts(document: ConversationDocument): string {
  const { metadata, conversationId, state } = document;
  const items = [
    `<span class="status ${statusClass(metadata.status)}">${escapeHtml(metadata.status)}</span>`,
    escapeHtml(count(shownMessages(state).length, "message")),
    metadata.tokenCount > 0 ? escapeHtml(count(metadata.tokenCount, "token")) : "",
    metadata.model === undefined ? "" : escapeHtml(metadata.model),
    `begun <time datetime="${escapeHtml(metadata.createdAt)}">${escapeHtml(shortTime(metadata.createdAt))}</time>`,
    `<code>${escapeHtml(conversationId)}</code>`,
  ];
  return `<ul class="facts">${items
    .filter((item) => item !== "")
    .map((item) => `<li>${item}</li>`)
    .join("")}</ul>`;
}

function header(document: ConversationDocument): string {
  const { asOf } = document;
  const past =
    asOf === undefined
      ? ""
      : `<p class="as-of">As it was at <time>${escapeHtml(shortTime(timestampToIso(asOf)))}</time>, from a backup.</p>`;
  return `<header><h1>${escapeHtml(titleText(document))}</h1>${facts(document)}${past}</header>\n`;
}

export function toHtml(document: ConversationDocument, makeVisible: MakeVisible): string {
  const { metadata, state } = document;
  return makeVisible(`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<meta name="referrer" content="no-referrer">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(titleText(document))}</title>
<style>
${STYLE}
</style>
</head>
<body>
<div class="page">
${header(document)}<main>
${shownMessages(state)
  .map((...one) => renderMessage(document, ...one))
  .join("")}</main>
${renderHistory(document)}<footer>Saved at ${escapeHtml(shortTime(metadata.savedAt))}, revision ${metadata.revision.toLocaleString("en-US")}. Exported by draftstate.</footer>
</div>
</body>
</html>
`);
}
