/**
 * Names that sync tools and file managers give to a second copy of a file of ours, when two machines changed it: what it is a copy of, and
 * who makes such names. Pure. None of these names is a conversation's, a backup's or a thread's.
 */
export interface ConflictCopy {
  readonly name: string;
  /** The name of the file that it is a copy of. */
  readonly of: string;
  /** Who makes such names, for messages. */
  readonly maker: string;
  /** Nothing else has such a name; otherwise it is a copy only beside what it is a copy of. */
  readonly isSure: boolean;
}

const ENDINGS = /(\.(?:json(?:\.(?:gz|br|zst))?|journal|thread|spill))$/;

/** Of a name without its ending. */
const SHAPES: readonly (readonly [RegExp, string, isSure?: true])[] = [
  [/^(.+)\.sync-conflict-\d{8}-\d{6}(?:-[A-Z0-9]{7})?$/, "Syncthing", true],
  [/^(.+)_conflict-\d{8}-\d{6}$/, "ownCloud", true],
  [/^(.+) \([^()]*(?:conflict|konflikt)[^()]*\)$/i, "a sync tool such as Dropbox or Nextcloud", true],
  [/^(.+) \(\d{1,4}\)$/, "a sync tool such as Google Drive"],
  [/^(.+) \d{1,4}$/, "a sync tool such as iCloud"],
  [/^(.+?) (?:- )?copy(?: \(?\d+\)?)?$/i, "a file manager"],
];

/** Undefined for any other name. */
export function parseConflictCopy(name: string): ConflictCopy | undefined {
  const [, ending] = ENDINGS.exec(name) ?? [];
  if (ending === undefined) return undefined;
  const stem = name.slice(0, -ending.length);
  for (const [shape, maker, isSure = false] of SHAPES) {
    const [, original] = shape.exec(stem) ?? [];
    if (original !== undefined) return { name, of: `${original}${ending}`, maker, isSure };
  }
  return undefined;
}
