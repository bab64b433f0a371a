/**
 * The setting `store`: a directory that holds state/ and backup/, or a PostgreSQL URL with an optional schema. It says where
 * conversations go, so it is not taken from a settings file that was only found, unless the user trusts it (trust.ts).
 * A URL may hold a password only if it comes from a variable, and no message repeats it.
 */
import { join } from "node:path";
import { DraftstateError } from "../../errors.js";
import type { Origin, ResolvedSettings } from "./settings.js";

export type ChosenStore =
  | { readonly kind: "files"; readonly stateDir: string; readonly backupDir: string }
  | { readonly kind: "postgres"; readonly url: string; readonly schema: string | undefined };

/** Throws `INVALID_CONFIG`. */
export function parseStore(store: string, origin: string): ChosenStore {
  if (/^postgres(ql)?:/i.test(store)) return parsePostgres(store, origin);
  // A scheme of one letter is a drive.
  if (/^[a-z][a-z0-9+.-]+:\/\//i.test(store) || /\p{Cc}/u.test(store))
    throw refusal(origin, "expected a directory that holds state/ and backup/, or postgresql://user@host/database");
  return { kind: "files", stateDir: join(store, "state"), backupDir: join(store, "backup") };
}

function parsePostgres(store: string, origin: string): ChosenStore {
  if (!URL.canParse(store) || !/^postgres(ql)?:\/\//.test(store))
    throw refusal(origin, "expected postgresql://user@host:port/database, special characters in it as %XX");
  const url = new URL(store);
  if (!origin.startsWith("DRAFTSTATE_") && (url.password !== "" || url.searchParams.has("password")))
    throw refusal(
      origin,
      "no password in it, which others could read: give it in PGPASSWORD or ~/.pgpass, or the URL in DRAFTSTATE_STORE",
    );
  const schema = url.searchParams.get("schema") ?? undefined;
  url.searchParams.delete("schema");
  return { kind: "postgres", url: url.href, schema };
}

/** Where conversations are by all settings together: of a store and directories, the one that was said closer to the command. */
export function chosenStore({ values, origins }: Pick<ResolvedSettings, "values" | "origins">): ChosenStore {
  const { store, stateDir, backupDir } = values;
  const said = saidBy(origins);
  const directories = Math.max(said("stateDir"), said("backupDir"));
  if (store === undefined || directories > said("store")) return { kind: "files", stateDir, backupDir };
  if (directories === said("store"))
    throw new DraftstateError("USAGE", "store and a directory of its parts were both given: give one of them");
  return parseStore(store, nameOf(origins["store"] ?? "default"));
}

/** The flag, variable or file that said where conversations are. */
export function whatChose({ origins }: Pick<ResolvedSettings, "origins">): string {
  const said = saidBy(origins);
  const name = said("store") > said("stateDir") ? "store" : "stateDir";
  return nameOf(origins[name] ?? "default", name === "store" ? "--store" : "--state-dir");
}

function saidBy(origins: ResolvedSettings["origins"]): (name: string) => number {
  return (name) => rankOf(origins[name] ?? "default");
}

function rankOf(origin: Origin): number {
  if (origin === "default") return 0;
  if (origin === "flag") return 4;
  if ("variable" in origin) return 3;
  return "file" in origin ? 2 : 1;
}

function nameOf(origin: Origin, flag = "--store"): string {
  if (typeof origin === "string") return origin === "flag" ? flag : origin;
  if ("variable" in origin) return origin.variable;
  return "file" in origin ? origin.file : origin.userFile;
}

function refusal(origin: string, expected: string): DraftstateError {
  return new DraftstateError("INVALID_CONFIG", `store (${origin}): ${expected}`, { path: "store" });
}
