/** Values of settings as they may be shown: a URL without what may be a key in it. */
import { redactUrl } from "../../model/urls.js";
import { ALL_SETTINGS } from "./definitions.js";

export function shownValue(name: string, value: unknown): unknown {
  if (typeof value !== "string") return value ?? null;
  // The whole path of some URLs is a key.
  if (ALL_SETTINGS[name]?.kind === "secret-url") return hostOnly(value);
  return /^[a-z][a-z0-9+.-]+:\//i.test(value) ? redactUrl(value) : value;
}

function hostOnly(url: string): string {
  if (!URL.canParse(url)) return "***";
  const { protocol, host } = new URL(url);
  return `${protocol}//${host}/***`;
}
