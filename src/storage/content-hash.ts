/** A name for a content, in hexadecimal: SHA-256 over the parts, none of which can pass for another. */
import { getBuiltinModule } from "node:process";

export function contentHash(...parts: readonly string[]): string {
  return getBuiltinModule("node:crypto").createHash("sha256").update(JSON.stringify(parts)).digest("hex");
}
