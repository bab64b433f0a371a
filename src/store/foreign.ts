/**
 * Whether a directory that nobody named, the default `state`, is another program's: it has files, none of them may be a
 * conversation, and no store was ever begun there. A conversation that is damaged counts as one.
 */
import type { Storage } from "../storage/storage.js";

const LOOKED_AT = 200;
const MAX_BYTES = 4 * 1024 * 1024;
const OWN_ENDING = /\.(?:journal|spill|thread|items|changes)$/;
const OWN_FIELD = /"(?:_metadata|streamingProperties|currentNarrative)"|^\s*\{\s*"messages"/;
const README = /^readme(?:\.|$)/i;

/** The names of its files; empty where the directory is free or a store's. */
export async function foreignFiles(storage: Storage): Promise<readonly string[]> {
  if (await storage.exists("trash")) return [];
  const names = (await storage.list("state")).filter((name) => !README.test(name));
  for (const name of names.filter(mayBeOurs).slice(0, LOOKED_AT))
    if (OWN_ENDING.test(name) || (await holdsConversation(storage, name))) return [];
  return names;
}

function mayBeOurs(name: string): boolean {
  return OWN_ENDING.test(name) || name.endsWith(".json");
}

/** What is damaged, or cannot be read, may be one. */
async function holdsConversation(storage: Storage, name: string): Promise<boolean> {
  try {
    const end = await storage.readEnd({ area: "state", name }, MAX_BYTES);
    const text = Buffer.from(end?.bytes ?? []).toString("latin1");
    if (OWN_FIELD.test(text)) return true;
    JSON.parse(text);
    return false;
  } catch {
    return true;
  }
}

/** A few of them, for a message. */
export function namedFiles(names: readonly string[]): string {
  const shown = names.slice(0, 2).join(", ");
  return names.length > 2 ? `${shown}, …` : shown;
}
