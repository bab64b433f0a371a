/** A source, read piece by piece: each conversation as soon as it is whole, and what could not be read. */
import type { ImportItem, ImportOptions } from "../../../formats/import/imported.js";
import type { Source } from "./sources.js";

/** `onBytes` is told how much of the source has been read. Throws where nothing of it can be. */
export async function* readItems(
  source: Source,
  options: ImportOptions,
  onBytes: (bytes: number) => void = () => undefined,
): AsyncGenerator<ImportItem> {
  const { ImportReader } = await import("../../../formats/import/reader.js");
  const reader = new ImportReader(options);
  let read = 0;
  for await (const bytes of source.open()) {
    yield* reader.push(bytes);
    read += bytes.length;
    onBytes(read);
  }
  yield* reader.end();
}
