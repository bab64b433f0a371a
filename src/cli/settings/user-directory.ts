/** The user's own configuration directory, by the XDG Base Directory Specification: a relative XDG_CONFIG_HOME counts as none. */
import { isAbsolute, join } from "node:path";
import type { Environment } from "../io.js";

export function userDirectory(env: Environment, home: string): string {
  const base = env["XDG_CONFIG_HOME"] ?? "";
  return join(isAbsolute(base) ? base : join(home, ".config"), "draftstate");
}

export function userFileIn(directory: string): string {
  return join(directory, "config.json");
}
