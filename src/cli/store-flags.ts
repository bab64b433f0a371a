/** The flags of a command line that chose its store, to be repeated in each command that a message names. */
import type { GlobalOptions } from "./context.js";

/** Without the password of a URL, which no message repeats. */
export function storeFlags({ stateDir, backupDir, store, config }: StoreOptions): string[] {
  return [
    ...flag("--state-dir", stateDir),
    ...flag("--backup-dir", backupDir),
    ...flag("--store", store === undefined ? undefined : withoutPassword(store)),
    ...flag("--config", config),
  ];
}

export type StoreOptions = Pick<GlobalOptions, "stateDir" | "backupDir" | "store" | "config">;

function flag(name: string, value: string | undefined): string[] {
  return value === undefined ? [] : [name, value];
}

function withoutPassword(store: string): string {
  return store.replace(/^(postgres(?:ql)?:\/\/[^/@:]*):[^/]*@/i, "$1@");
}
