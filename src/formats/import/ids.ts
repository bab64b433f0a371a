/** Ids for what comes in, from what its source calls it: safe as file names, and no two alike by more than case. */
import type { ImportedConversation } from "./imported.js";

const MAX_LENGTH = 128;
const DEVICE = /^(con|prn|aux|nul|com\d|lpt\d)(\..*)?$/i;

export function safeId(name: string): string {
  const letters = name
    .replaceAll(/[^A-Za-z0-9._-]+/g, "-")
    .replace(/^[^A-Za-z0-9]+/, "")
    .slice(0, MAX_LENGTH)
    .replace(/[-.]+$/, "");
  if (letters === "") return "imported";
  return DEVICE.test(letters) ? `imported-${letters}` : letters;
}

/** One id for each, in order; a name that comes twice in one file is numbered. */
export function chooseIds(conversations: readonly ImportedConversation[], fallback: string): string[] {
  const taken = new Set<string>();
  return conversations.map(({ name }) => {
    const base = safeId(name ?? fallback);
    let id = base;
    for (let count = 2; taken.has(id.toLowerCase()); count += 1) id = `${base.slice(0, MAX_LENGTH - 8)}-${count}`;
    taken.add(id.toLowerCase());
    return id;
  });
}
