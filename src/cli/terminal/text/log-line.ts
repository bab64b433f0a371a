/** A structured entry as one line of `name=value`, quoted if necessary; always safe to print. */
import { toSafeLine } from "./safe-text.js";

type Value = string | number | boolean | null;

function shown(value: Value): string {
  const text = toSafeLine(String(value));
  return /^[^\s"=\\]+$/.test(text) ? text : JSON.stringify(text);
}

export function logLine(level: string, entry: Readonly<Record<string, Value>>): string {
  return [["level", level] as const, ...Object.entries(entry)]
    .map(([name, value]) => `${name}=${shown(value)}`)
    .join(" ");
}
