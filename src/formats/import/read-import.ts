/** The bytes of any file that can be imported, all at once → what it is, the conversations in it, and what could not be read. */
import type { Fault, ImportedConversation, ImportItem, ImportOptions, SourceFormat } from "./imported.js";
import { ImportReader } from "./reader.js";

export interface Imported {
  readonly format: SourceFormat;
  readonly conversations: readonly ImportedConversation[];
  readonly faults: readonly Fault[];
}

/** Throws `CORRUPT` where nothing can be read, `NEWER_VERSION`. */
export function readImport(bytes: Uint8Array, options: ImportOptions): Imported {
  const reader = new ImportReader(options);
  const items: ImportItem[] = [...reader.push(bytes), ...reader.end()];
  const found = items.flatMap((item) => (item.kind === "conversation" ? [item] : []));
  return {
    format: found[0]?.format ?? "draft",
    conversations: found.map(({ conversation }) => conversation),
    faults: items.flatMap((item) => (item.kind === "fault" ? [item.fault] : [])),
  };
}
