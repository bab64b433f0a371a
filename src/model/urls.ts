/** URLs as they may be printed or stored: without user name, password, query and fragment, any of which may be a key. */
import { DraftstateError } from "../errors.js";

/** Also of what is not quite a URL. Those of databases keep the user's name. */
export function redactUrl(url: string): string {
  return url
    .replace(/^([a-z][a-z0-9+.-]*:\/*)([^/?#]*)@/i, (_whole, scheme: string, userinfo: string) => {
      return `${scheme}${isDatabase(scheme) ? userinfo.replace(/:.*$/s, ":***") : "***"}@`;
    })
    .replace(/([?#]).+$/s, "$1***");
}

/** What of a URL may be a key, for a message; undefined if nothing is. */
export function credentialIn(url: string): string | undefined {
  if (!URL.canParse(url)) return /\/\/[^/?#]*@/.test(url) ? "a user name or password" : undefined;
  const { username, password, search, hash } = new URL(url);
  if (username !== "" || password !== "") return "a user name or password";
  if (search !== "") return "a query";
  return hash === "" ? undefined : "a fragment";
}

export function assertHttpUrl(baseUrl: string): void {
  if (URL.canParse(baseUrl) && /^https?:$/.test(new URL(baseUrl).protocol)) return;
  throw new DraftstateError(
    "INVALID_CONFIG",
    `the base URL ${JSON.stringify(redactUrl(baseUrl))} is not an http URL: give one such as http://localhost:11434/v1`,
    { path: "baseUrl" },
  );
}

/** Scheme, host and port. Undefined for what is no URL of a server. */
export function originOf(url: string): string | undefined {
  if (!URL.canParse(url)) return undefined;
  const { origin } = new URL(url);
  return origin === "null" ? undefined : origin;
}

/** This machine: what is sent there does not cross a network. */
export function isLoopback(url: string): boolean {
  if (!URL.canParse(url)) return false;
  const { hostname } = new URL(url);
  return (
    hostname === "localhost" ||
    hostname.endsWith(".localhost") ||
    /^127\.\d+\.\d+\.\d+$/.test(hostname) ||
    hostname === "[::1]"
  );
}

function isDatabase(scheme: string): boolean {
  return /^postgres(ql)?:/i.test(scheme);
}
