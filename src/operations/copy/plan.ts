/** Which files a conversation, a thread or a namespace is made of in one store and in another, and what copying them means. Pure. */
import type { Key } from "../../storage/storage.js";
import { changesKey, itemsKey, namespaceLock, namespacesIn } from "../../store/item-names.js";
import {
  backupsById,
  conversationIds,
  journalKey,
  parseSegmentName,
  segmentKey,
  snapshotKey,
  threadLock,
} from "../../store/names.js";
import { threadIn } from "../../store/thread-record.js";
import { conversationIn } from "../../store/trash-record.js";

/** The names in the areas that conversations live in, as one look found them. */
export interface AllNames {
  readonly state: readonly string[];
  readonly backup: readonly string[];
  readonly trash: readonly string[];
}

export type CopiedKind = "conversation" | "thread" | "namespace";

/** What is copied as a whole, under its lock. */
export interface CopyUnit {
  readonly kind: CopiedKind;
  /** As it stands in names: of a conversation, its id. */
  readonly name: string;
  readonly files: readonly Key[];
}

export function lockOf({ kind, name }: Pick<CopyUnit, "kind" | "name">): string {
  if (kind === "conversation") return name;
  return kind === "thread" ? threadLock(name) : namespaceLock(name);
}

export function unitKey({ kind, name }: Pick<CopyUnit, "kind" | "name">): string {
  return `${kind}:${name}`;
}

/**
 * Each with its files in the order in which they are copied: what it cannot be read without comes last, so that a copy that was
 * cut off is not taken for the whole.
 */
export function unitsIn(names: AllNames): Map<string, CopyUnit> {
  const units = [
    ...unitsOf("conversation", filesOfConversations(names)),
    ...unitsOf("thread", filesOfThreads(names)),
    ...unitsOf("namespace", filesOfNamespaces(names)),
  ];
  return new Map(units.map((unit) => [unitKey(unit), unit]));
}

function unitsOf(kind: CopiedKind, files: readonly (readonly [string, Key])[]): CopyUnit[] {
  const byName = new Map<string, Key[]>();
  for (const [name, key] of files) {
    const known = byName.get(name);
    if (known === undefined) byName.set(name, [key]);
    else known.push(key);
  }
  return [...byName].map(([name, keys]) => ({ kind, name, files: keys }));
}

type Named = readonly [name: string, key: Key];

/** Backups, trash, journal, snapshot. */
function filesOfConversations({ state, backup, trash }: AllNames): Named[] {
  const present = new Set(state);
  return [
    ...[...backupsById(backup)].flatMap(([id, backups]) =>
      backups.map(({ name }): Named => [id, { area: "backup", name }]),
    ),
    ...inTrash(trash, conversationIn),
    ...conversationIds(state).flatMap((id) =>
      [journalKey(id), snapshotKey(id)].filter(({ name }) => present.has(name)).map((key): Named => [id, key]),
    ),
  ];
}

/** Trash, then the log from its end: without its beginning it is no thread. */
function filesOfThreads({ state, trash }: AllNames): Named[] {
  const segments = state
    .flatMap((name) => parseSegmentName(name) ?? [])
    .sort((left, right) => right.segment - left.segment);
  return [
    ...inTrash(trash, threadIn),
    ...segments.map(({ thread, segment }): Named => [thread, segmentKey(thread, segment)]),
  ];
}

/** The changes, then the items that they follow. */
function filesOfNamespaces({ state }: AllNames): Named[] {
  const present = new Set(state);
  return namespacesIn(state).flatMap((name) =>
    [changesKey(name), itemsKey(name)].filter((key) => present.has(key.name)).map((key): Named => [name, key]),
  );
}

function inTrash(trash: readonly string[], ownerOf: (name: string) => string | undefined): Named[] {
  return trash.flatMap((name) => {
    const owner = ownerOf(name);
    return owner === undefined ? [] : [[owner, { area: "trash", name }] as const];
  });
}

/** What a target has that the source does not have: it is another, or the same one that went another way. */
export function strangers(source: readonly Key[], target: readonly Key[]): Key[] {
  const known = new Set(source.map(nameOf));
  return target.filter((key) => !known.has(nameOf(key)));
}

export function nameOf({ area, name }: Key): string {
  return `${area}/${name}`;
}
