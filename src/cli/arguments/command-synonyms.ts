/** Commands under the names that other programs give them → how they are called here. Pure. */
const OTHER_NAMES: ReadonlyMap<string, string> = new Map([
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

/** Undefined for a word that is no other name of anything here. */
export function meantBy(word: string): string | undefined {
  return OTHER_NAMES.get(word.toLowerCase());
}
