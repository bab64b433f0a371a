/** `draftstate/formats`: files of other programs into conversations, conversations into Markdown, HTML and JSON. */
export { readImport, type Imported } from "./import/read-import.js";
export type { ImportedConversation, ImportedPoint, ImportOptions, SourceFormat } from "./import/imported.js";
export type { ConversationDocument, MakeVisible, ExportedBackup } from "./document.js";
export { toJson, toJsonLines } from "./json-export.js";
export { toMarkdown } from "./markdown-export.js";
export { toHtml } from "./html/page.js";
