/** Values of settings as they may be shown: a URL without what may be a key in it, servers without what they are given. */
import { isJsonObject, type JsonObject } from "../../model/json.js";
import { redactUrl } from "../../model/urls.js";
import { quoted } from "../command-hints.js";
import { ALL_SETTINGS } from "./definitions.js";

export function shownValue(name: string, value: unknown): unknown {
  if (ALL_SETTINGS[name]?.kind === "servers" && isJsonObject(value)) return shownServers(value);
  if (typeof value !== "string") return value ?? null;
  // The whole path of some URLs is a key.
  if (ALL_SETTINGS[name]?.kind === "secret-url") return hostOnly(value);
  return /^[a-z][a-z0-9+.-]+:\//i.test(value) ? redactUrl(value) : value;
}

/** What trust would let a file do: each server as it would be started or asked. Values of variables and headers may be keys. */
export function grantedValue(name: string, value: unknown): unknown {
  if (ALL_SETTINGS[name]?.kind !== "servers" || !isJsonObject(value)) return shownValue(name, value);
  return serversOf(value).map(([server, entry]) => `${server}: ${isJsonObject(entry) ? grantOf(entry) : "?"}`);
}

function grantOf({ command, args, cwd, env, url, headers }: JsonObject): string {
  const given: readonly unknown[] = Array.isArray(args) ? args : [];
  const words = [command, ...given].map((word) => quoted(textOf(word)));
  const what = command === undefined ? redactUrl(textOf(url)) : words.join(" ");
  const rest = [
    typeof cwd === "string" ? [`in ${quoted(cwd)}`] : [],
    isJsonObject(env) ? Object.keys(env).map((variable) => `${variable}=***`) : [],
    isJsonObject(headers) ? Object.keys(headers).map((header) => `${header}: ***`) : [],
  ].flat();
  return rest.length === 0 ? what : `${what} (${rest.join(", ")})`;
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value ?? null);
}

/** What is started or asked; arguments, variables and headers may hold keys. */
function shownServers(value: Readonly<Record<string, unknown>>): string[] {
  return serversOf(value).map(([name, server]) => {
    const { command, url }: Readonly<Record<string, unknown>> = isJsonObject(server) ? server : {};
    const what = typeof command === "string" ? command : typeof url === "string" ? hostOnly(url) : "?";
    return `${name}: ${what}`;
  });
}

function serversOf(value: Readonly<Record<string, unknown>>): [string, unknown][] {
  return Object.entries(isJsonObject(value["mcpServers"]) ? value["mcpServers"] : value);
}

function hostOnly(url: string): string {
  if (!URL.canParse(url)) return "***";
  const { protocol, host } = new URL(url);
  return `${protocol}//${host}/***`;
}
