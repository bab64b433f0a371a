/** Values of settings as they may be shown: a URL without what may be a key in it, servers without what they are given. */
import { isJsonObject } from "../../model/json.js";
import { redactUrl } from "../../model/urls.js";
import { ALL_SETTINGS } from "./definitions.js";

export function shownValue(name: string, value: unknown): unknown {
  if (ALL_SETTINGS[name]?.kind === "servers" && isJsonObject(value)) return shownServers(value);
  if (typeof value !== "string") return value ?? null;
  // The whole path of some URLs is a key.
  if (ALL_SETTINGS[name]?.kind === "secret-url") return hostOnly(value);
  return /^[a-z][a-z0-9+.-]+:\//i.test(value) ? redactUrl(value) : value;
}

/** What is started or asked; arguments, variables and headers may hold keys. */
function shownServers(value: Readonly<Record<string, unknown>>): string[] {
  const servers = isJsonObject(value["mcpServers"]) ? value["mcpServers"] : value;
  return Object.entries(servers).map(([name, server]) => {
    const { command, url }: Readonly<Record<string, unknown>> = isJsonObject(server) ? server : {};
    const what = typeof command === "string" ? command : typeof url === "string" ? hostOnly(url) : "?";
    return `${name}: ${what}`;
  });
}

function hostOnly(url: string): string {
  if (!URL.canParse(url)) return "***";
  const { protocol, host } = new URL(url);
  return `${protocol}//${host}/***`;
}
