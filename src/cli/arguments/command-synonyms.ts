/** Names of commands in other programs → the command here. Pure. */
const SYNONYMS: ReadonlyMap<string, string> = new Map([
  ["resume", "chat --resume <id>"],
  ["continue", "chat --continue"],
  ["new", "chat"],
  ["history", "backups <id>"],
  ["delete", "rm <id>"],
  ["remove", "rm <id>"],
  ["log", "show <id>"],
  ["cat", "show <id>"],
  ["view", "show <id>"],
  ["info", "show <id> --inspect"],
  ["find", "search <text>"],
  ["grep", "search <text>"],
]);

/** Undefined for a word that is no synonym. */
export function meantBy(word: string): string | undefined {
  return SYNONYMS.get(word.toLowerCase());
}
