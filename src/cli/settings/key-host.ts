/**
 * Decides whether a key and a conversation may go to a server. They go to the one that the user named in this run (by flag,
 * environment, own or trusted settings) and to the provider's own; to one that a conversation brought along only if the
 * user says so now, or if there is no key and it is on this machine. No address may hold a key itself.
 */
import { DraftstateError } from "../../errors.js";
import { credentialIn, isLoopback, originOf, redactUrl } from "../../model/urls.js";

const PROVIDERS: readonly string[] = ["https://api.openai.com"];

export interface Server {
  readonly url: string;
  /** The one that the user named in this run, if any: settings hold no other. */
  readonly named: string | undefined;
  readonly hasKey: boolean;
}

export function mayBeAsked({ url, named, hasKey }: Server): boolean {
  const origin = originOf(url);
  if (url === named || (!hasKey && isLoopback(url))) return true;
  return origin !== undefined && (origin === (named && originOf(named)) || PROVIDERS.includes(origin));
}

/** Throws `INVALID_CONFIG` for an address that holds what may be a key: it would be printed, stored and logged with it. */
export function assertNoCredentials(url: string): void {
  const found = credentialIn(url);
  if (found === undefined) return;
  throw new DraftstateError(
    "INVALID_CONFIG",
    `the base URL ${redactUrl(url)} holds ${found}: leave it out, and give the key in OPENAI_API_KEY`,
    { path: "baseUrl" },
  );
}

export function unencrypted(url: string): string | undefined {
  if (!/^http:/i.test(url) || isLoopback(url)) return undefined;
  return `the key and the conversation go unencrypted to ${redactUrl(url)}: use https:// if the server can`;
}

export function questionAbout(id: string, url: string, hasKey: boolean): string {
  return `${id} was last answered by ${redactUrl(url)}, which you have not named in this run.\nSend the conversation${hasKey ? " and your key" : ""} there? (y/N) `;
}

export function refuseServer(id: string, url: string, hasKey: boolean): DraftstateError {
  const what = hasKey ? "neither the conversation nor the key was" : "nothing was";
  return new DraftstateError(
    "USAGE",
    `${id} was last answered by ${redactUrl(url)}, which you have not named in this run, so ${what} sent: to send it there, add --base-url ${redactUrl(url)}`,
    { path: "baseUrl" },
  );
}
