/**
 * Content of a message, as any program left it → what a chat model's API takes: text, and pictures as `image_url`. A transcript is
 * text; what is neither becomes a short note in its place; what a model thought is left out. The state keeps the original. Pure.
 */
import { isJsonObject, ownValue, type Json, type JsonObject } from "../model/json.js";

export type TextPart = { readonly type: "text"; readonly text: string };
export type ImagePart = { readonly type: "image_url"; readonly image_url: { readonly url: string } };
export type Part = TextPart | ImagePart;

type Piece = Part | { readonly type: "note"; readonly text: string };

/** What the model thought, and what the program noted for itself. */
const SILENT = [
  "thinking",
  "redacted_thinking",
  "reasoning",
  "thoughts",
  "reasoning_content",
  "token_budget",
  "reference",
];
const IMAGE_TYPES = ["image/png", "image/jpeg", "image/gif", "image/webp"];
/** Of base64. */
const MAX_IMAGE_CHARACTERS = 20 * 2 ** 20;
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;
const MAX_NAME = 80;

function text(object: JsonObject, ...keys: readonly string[]): string | undefined {
  for (const key of keys) {
    const value = ownValue(object, key);
    if (typeof value === "string" && value !== "") return value;
  }
  return undefined;
}

function object(value: Json | undefined): JsonObject {
  return isJsonObject(value) ? value : {};
}

function note(what: string, details: readonly (string | undefined)[]): Piece {
  const known = details.filter((detail) => detail !== undefined).map((detail) => detail.slice(0, MAX_NAME));
  return { type: "note", text: `[${[what, ...known].join(", ")}: not shown]` };
}

function dataUrl(mediaType: string | undefined, data: string | undefined): string | undefined {
  if (mediaType === undefined || data === undefined || !IMAGE_TYPES.includes(mediaType)) return undefined;
  return data.length <= MAX_IMAGE_CHARACTERS && BASE64.test(data) ? `data:${mediaType};base64,${data}` : undefined;
}

/** Of a picture in any of the forms that providers and their libraries have; undefined if a server could not read it. */
function imageUrlOf(block: JsonObject): string | undefined {
  const [source, inline, field] = [object(block["source"]), object(block["inlineData"]), ownValue(block, "image_url")];
  const url =
    text(object(field), "url") ?? (typeof field === "string" ? field : (text(source, "url") ?? text(block, "url")));
  if (url !== undefined) return readableUrl(url);
  return (
    dataUrl(text(source, "media_type"), text(source, "data")) ??
    dataUrl(text(inline, "mimeType", "mime_type"), text(inline, "data")) ??
    dataUrl(text(block, "mimeType", "mime_type", "media_type"), text(block, "data"))
  );
}

function readableUrl(url: string): string | undefined {
  const [, mediaType, data] = /^data:([^;,]+);base64,(.*)$/s.exec(url) ?? [];
  if (mediaType !== undefined) return dataUrl(mediaType, data);
  return /^https?:\/\//.test(url) && URL.canParse(url) ? url : undefined;
}

function mediaTypeOf(block: JsonObject): string | undefined {
  return (
    text(block, "mime_type", "mimeType", "media_type") ??
    text(object(block["source"]), "media_type") ??
    text(object(block["inlineData"]), "mimeType") ??
    text(object(block["fileData"]), "mimeType")
  );
}

function nameOf(block: JsonObject): string | undefined {
  const path = text(block, "file_name", "filename", "name", "title", "path");
  return path?.split(/[\\/]/).at(-1);
}

function isImage(type: string, block: JsonObject): boolean {
  return /image/.test(type) || ((mediaTypeOf(block) ?? "").startsWith("image/") && !/tool|text/.test(type));
}

function ofBlock(block: Json): Piece[] {
  if (typeof block === "string") return block === "" ? [] : [{ type: "text", text: block }];
  if (!isJsonObject(block)) return [];
  const type = text(block, "type", "content_type") ?? "";
  if (SILENT.includes(type) || block["thought"] === true) return [];
  if (isImage(type, block)) {
    const url = imageUrlOf(block);
    return [
      url === undefined
        ? note("picture", [nameOf(block), mediaTypeOf(block)])
        : { type: "image_url", image_url: { url } },
    ];
  }
  // A transcript, a document's text, an attachment whose text was kept, and text itself.
  const said =
    text(block, "text", "refusal", "transcript", "extracted_content") ?? text(object(block["source"]), "text");
  const source = object(block["source"]);
  if (said !== undefined) return [{ type: "text", text: said }];
  if (source["type"] === "text") return [{ type: "text", text: text(source, "data") ?? "" }];
  if (typeof block["text"] === "string") return [];
  return [ofTool(type, block) ?? note(whatIs(type, block), [nameOf(block), mediaTypeOf(block)])];
}

/** Calls and results that stand in the content itself, where no call of ours was made of them. */
function ofTool(type: string, block: JsonObject): Piece | undefined {
  if (type === "tool_use" || "functionCall" in block)
    return {
      type: "note",
      text: `[called the tool ${text(block, "name") ?? text(object(block["functionCall"]), "name") ?? ""}]`,
    };
  if (type !== "tool_result") return undefined;
  const content = ownValue(block, "content");
  const result = typeof content === "string" || Array.isArray(content) ? textFor(content) : "";
  return { type: "note", text: result === "" ? "[a tool's result]" : result };
}

function whatIs(type: string, block: JsonObject): string {
  const media = mediaTypeOf(block) ?? "";
  if (/audio/.test(type) || media.startsWith("audio/")) return "audio";
  if (/video/.test(type) || media.startsWith("video/")) return "video";
  if (/file|document|attachment/.test(type) || media !== "" || "fileData" in block || nameOf(block) !== undefined)
    return "file";
  return type === "" ? "content of another kind" : `content of the kind ${type.slice(0, MAX_NAME)}`;
}

/** Text is joined as it is, since blocks cut it anywhere; a note stands on a line of its own. */
function joinTexts(pieces: readonly Piece[]): Part[] {
  const parts: Part[] = [];
  let wasNote = false;
  for (const piece of pieces) {
    const last = parts.at(-1);
    if (piece.type === "image_url") parts.push(piece);
    else if (last?.type === "text") {
      const isApart = (wasNote || piece.type === "note") && !last.text.endsWith("\n");
      parts[parts.length - 1] = { type: "text", text: `${last.text}${isApart ? "\n" : ""}${piece.text}` };
    } else parts.push({ type: "text", text: piece.text });
    wasNote = piece.type === "note";
  }
  return parts.filter((part) => part.type === "image_url" || part.text.trim() !== "");
}

function piecesOf(content: string | readonly Json[]): Piece[] {
  return typeof content === "string" ? [{ type: "text", text: content }] : content.flatMap(ofBlock);
}

/** For a user's message: text and pictures; empty where there is nothing to send. */
export function partsFor(content: string | readonly Json[]): Part[] {
  return joinTexts(piecesOf(content));
}

/** For every other role, which takes text alone. */
export function textFor(content: string | readonly Json[]): string {
  const pieces = piecesOf(content).map((piece): Piece =>
    piece.type === "image_url" ? { type: "note", text: "[picture: not shown]" } : piece,
  );
  return joinTexts(pieces)
    .map((part) => (part.type === "text" ? part.text : ""))
    .join("");
}
