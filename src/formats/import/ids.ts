/** Ids for what comes in, from what its source calls it: safe as file names, and no two alike by more than case. */

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

/** One id for each that is asked for; a name that comes twice is numbered. */
export class IdChooser {
  readonly #taken = new Set<string>();
  /** The next number for a name that came before. */
  readonly #next = new Map<string, number>();

  choose(name: string | undefined, fallback: string): string {
    const base = safeId(name ?? fallback);
    const key = base.toLowerCase();
    let [id, count] = [base, this.#next.get(key) ?? 2];
    for (; this.#taken.has(id.toLowerCase()); count += 1) id = `${base.slice(0, MAX_LENGTH - 8)}-${count}`;
    this.#next.set(key, count);
    this.#taken.add(id.toLowerCase());
    return id;
  }
}
