/**
 * What a tool returned → the text that the model is given. Pictures, sounds and files become notes: providers differ in what they
 * accept of a tool. Bounded: what is cut is said. Pure.
 */
import type { CallToolResult } from "@modelcontextprotocol/sdk/types.js";

/** Characters that a result may have, of which a model can read about 32,000 tokens. */
export const RESULT_LIMIT = 128 * 1024;

type Block = CallToolResult["content"][number];

export function textOfResult({ content, structuredContent }: CallToolResult, limit = RESULT_LIMIT): string {
  const text = content.map(textOfBlock).join("\n");
  if (text !== "" || structuredContent === undefined) return cut(text, limit);
  return cut(JSON.stringify(structuredContent), limit);
}

function textOfBlock(block: Block): string {
  switch (block.type) {
    case "text":
      return block.text;
    case "image":
    case "audio":
      return `[${block.type}: ${block.mimeType}, ${sizeOf(block.data)}; not shown]`;
    case "resource_link":
      return `[resource: ${block.name}, ${block.uri}]`;
    case "resource": {
      const { resource } = block;
      if ("text" in resource) return `[resource: ${resource.uri}]\n${resource.text}`;
      return `[resource: ${resource.uri}, ${resource.mimeType ?? "binary"}, ${sizeOf(resource.blob)}; not shown]`;
    }
  }
}

/** Of base64. */
function sizeOf(data: string): string {
  const bytes = Math.floor((data.length * 3) / 4);
  return bytes < 1024 ? `${bytes} bytes` : `${Math.round(bytes / 1024)} KiB`;
}

function cut(text: string, limit: number): string {
  if (text.length <= limit) return text;
  // Not through a character of two halves.
  const end = /[\ud800-\udbff]/.test(text.charAt(limit - 1)) ? limit - 1 : limit;
  return `${text.slice(0, end)}\n[cut: the first ${end} of ${text.length} characters]`;
}
