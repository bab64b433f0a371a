/** The version of this package, from its package.json. */
import { createRequire } from "node:module";

export function readVersion(): string {
  const manifest: unknown = createRequire(import.meta.url)("../../package.json");
  const version: unknown = typeof manifest === "object" && manifest !== null ? Reflect.get(manifest, "version") : undefined;
  return typeof version === "string" ? version : "0.0.0";
}
