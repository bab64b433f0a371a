/** Lock files as another process would have left them. */
import type { FileSystem } from "../../src/storage/file-system.js";
import type { ProcessIdentity } from "../../src/storage/process-table.js";

export function lockRecord(identity: ProcessIdentity, nonce: string): string {
  return `${JSON.stringify({ ...identity, command: "left behind", since: "2026-01-01T00:00:00.000Z", nonce })}\n`;
}

export async function plant(fs: FileSystem, path: string, text: string): Promise<void> {
  const file = await fs.createFile(path);
  await file.write(Buffer.from(text));
  await file.close();
}
