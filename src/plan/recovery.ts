/**
 * What was found of a conversation → what it is, and what a writer has to do before it continues. Pure: `verify` prints
 * the plan, readers take its version, only a writer that holds the lock carries it out. test/plan/recovery.test.ts goes through it row by row.
 */
import { infoOf, type Version } from "../model/conversation.js";
import { withMark, type SessionMark } from "../model/sessions.js";
import type { Decoded } from "../snapshot/decode.js";
import type { ScannedJournal } from "../journal/scan.js";
import { replay, type Replayed } from "../journal/replay.js";

export interface FoundBackup {
  readonly name: string;
  readonly decoded: Decoded;
}

export interface Found {
  readonly conversationId: string;
  readonly snapshot: Decoded | undefined;
  readonly journal: ScannedJournal | undefined;
  /** Looked at only where the snapshot cannot be used: those read in the order of `orderForRecovery`, up to the first that is valid. */
  readonly backups: readonly FoundBackup[];
}

/** What the end of a backup says of it, unverified; undefined where it cannot be read. */
export interface RecoveryHead {
  readonly revision: number | undefined;
  readonly createdAt: string | undefined;
}

export type ProblemKind =
  | "journal-torn"
  | "journal-damaged"
  | "journal-gap"
  | "journal-foreign"
  | "journal-orphaned"
  | "journal-newer"
  | "snapshot-missing"
  | "snapshot-damaged"
  | "snapshot-edited"
  | "snapshot-newer"
  | "backup-damaged"
  | "backup-newer"
  | "unreadable";

export interface Problem {
  readonly kind: ProblemKind;
  readonly file: "snapshot" | "journal" | { readonly backup: string };
  readonly detail: string;
}

export type RecoveryPlan =
  | { readonly kind: "absent" }
  | {
      readonly kind: "edited";
      readonly version: Version;
      /** With the changes of the journal, as far as they fit. */
      readonly reached: Version;
      readonly problems: readonly Problem[];
    }
  /** A newer version wrote these files: none of the conversation's is used, replaced, or moved to quarantine (G8). */
  | { readonly kind: "newer"; readonly problems: readonly [Problem, ...Problem[]] }
  | { readonly kind: "lost"; readonly problems: readonly Problem[] }
  | {
      readonly kind: "usable";
      readonly version: Version;
      /** Which sessions wrote what the version holds: what a writer that continues it passes on. */
      readonly sessions: readonly SessionMark[];
      readonly savedAt: string;
      /** Revision of the snapshot or backup that the version began from. */
      readonly base: number;
      readonly source: "snapshot" | { readonly backup: string };
      readonly lastRecordAt: number | undefined;
      /** The highest revision that any file tells of, believed or not: what comes next is numbered above it. */
      readonly lastRevision: number;
      readonly migratedFrom: string | undefined;
      /** Anything a writer has to tidy: a journal to fold in, damage to move to quarantine. */
      readonly clean: boolean;
      readonly quarantine: readonly ("snapshot" | "journal")[];
      readonly problems: readonly Problem[];
    };

interface Base {
  readonly version: Version;
  readonly sessions: readonly SessionMark[];
  readonly savedAt: string;
  readonly source: "snapshot" | { readonly backup: string };
  readonly migratedFrom: string | undefined;
}

/** A snapshot that is missing or damaged: only then are backups worth reading. */
export function needsBackups(snapshot: Decoded | undefined): boolean {
  return snapshot === undefined || snapshot.kind === "damaged";
}

/**
 * The order in which backups are worth reading: first those whose end tells nothing, since they may be anything; then those of
 * the journal's own conversation; then the rest. Among each the highest revision first: timestamps decide nothing.
 */
export function orderForRecovery<B extends RecoveryHead>(
  heads: readonly B[],
  journalCreatedAt: string | undefined,
): B[] {
  const rank = ({ revision, createdAt }: B): number =>
    revision === undefined ? 0 : createdAt === journalCreatedAt ? 1 : 2;
  return [...heads].sort((left, right) => rank(left) - rank(right) || (right.revision ?? 0) - (left.revision ?? 0));
}

export function planRecovery(found: Found): RecoveryPlan {
  const { snapshot, journal, backups } = found;
  if (snapshot === undefined && journal === undefined && backups.length === 0) return { kind: "absent" };
  const [newer, ...others] = newerIn(snapshot, journal);
  if (newer !== undefined) return { kind: "newer", problems: [newer, ...others] };
  if (snapshot?.kind === "edited") return planForEdited(snapshot, journal);
  if (snapshot?.kind === "valid")
    return planFrom(found.conversationId, baseOf(snapshot, "snapshot"), journal, [], false);
  return planWithoutSnapshot(found, snapshot?.kind === "damaged" ? snapshot.detail : undefined);
}

/**
 * A journal that a newer version wrote in counts also where its records are at or below the snapshot's revision, or of an earlier
 * conversation: what it holds beside them is not known here, and every use of the conversation would end in replacing it.
 */
function newerIn(snapshot: Decoded | undefined, journal: ScannedJournal | undefined): Problem[] {
  const problems: Problem[] = [];
  if (snapshot?.kind === "newer")
    problems.push({
      kind: "snapshot-newer",
      file: "snapshot",
      detail: `it is of the newer schema ${snapshot.version}`,
    });
  if (journal?.newer !== undefined)
    problems.push({
      kind: "journal-newer",
      file: "journal",
      detail: `it holds what only a newer version knows: ${journal.newer.detail}`,
    });
  return problems;
}

function planWithoutSnapshot({ conversationId, journal, backups }: Found, damage: string | undefined): RecoveryPlan {
  const missing: Problem = { kind: "snapshot-missing", file: "snapshot", detail: "it is missing" };
  const problems = [
    damage === undefined ? missing : ({ ...missing, kind: "snapshot-damaged", detail: damage } as const),
  ];
  const [best] = orderForRecovery(backups.flatMap(validHead), journal?.header?.createdAt);
  const [newer, ...others] = backups.flatMap((backup) => newerBackup(backup, best?.revision ?? 0));
  if (newer !== undefined) return { kind: "newer", problems: [newer, ...others] };
  problems.push(...backups.flatMap(damagedBackup));
  if (best === undefined) return { kind: "lost", problems: [...problems, ...problemsOfJournal(journal, undefined)] };
  return planFrom(conversationId, baseOf(best.decoded, { backup: best.name }), journal, problems, damage !== undefined);
}

type Valid = Extract<Decoded, { kind: "valid" }>;

function validHead({
  name,
  decoded,
}: FoundBackup): (RecoveryHead & { readonly name: string; readonly decoded: Valid })[] {
  if (decoded.kind !== "valid") return [];
  const { revision, createdAt } = decoded.metadata;
  return [{ name, decoded, revision, createdAt }];
}

/** One that is older than what can be used does no harm. */
function newerBackup({ name, decoded }: FoundBackup, usable: number): Problem[] {
  if (decoded.kind !== "newer" || (decoded.revision !== undefined && decoded.revision < usable)) return [];
  return [{ kind: "backup-newer", file: { backup: name }, detail: `it is of the newer schema ${decoded.version}` }];
}

function damagedBackup({ name, decoded }: FoundBackup): Problem[] {
  return decoded.kind === "damaged" || decoded.kind === "edited"
    ? [{ kind: "backup-damaged", file: { backup: name }, detail: decoded.detail }]
    : [];
}

function planForEdited(
  snapshot: Extract<Decoded, { kind: "edited" }>,
  journal: ScannedJournal | undefined,
): RecoveryPlan {
  const version = { state: snapshot.state, info: infoOf(snapshot.metadata), revision: snapshot.metadata.revision };
  return {
    kind: "edited",
    version,
    reached: replay(version, journal?.records ?? []).version,
    problems: [{ kind: "snapshot-edited", file: "snapshot", detail: snapshot.detail }],
  };
}

function baseOf({ state, metadata, migratedFrom }: Valid, source: Base["source"]): Base {
  const version = { state, info: infoOf(metadata), revision: metadata.revision };
  return { version, sessions: metadata.sessions ?? [], savedAt: metadata.savedAt, source, migratedFrom };
}

/** With the journal's own session, up to the last of its records that was applied. */
function sessionsAfter(
  base: Base,
  journal: ScannedJournal | undefined,
  replayed: Replayed | undefined,
): readonly SessionMark[] {
  const session = journal?.header?.session;
  if (session === undefined || replayed === undefined || replayed.applied === 0) return base.sessions;
  return withMark(base.sessions, { session, revision: replayed.version.revision });
}

/** The journal's own state of health, apart from what it continues. */
function problemsOfJournal(journal: ScannedJournal | undefined, replayed: Replayed | undefined): Problem[] {
  if (journal === undefined) return [];
  const problems: Problem[] = [];
  const { tail } = journal;
  if (tail.kind === "torn")
    problems.push({
      kind: "journal-torn",
      file: "journal",
      detail: `its last ${tail.bytes} bytes are torn: ${tail.detail}`,
    });
  if (tail.kind === "damaged") {
    problems.push({
      kind: "journal-damaged",
      file: "journal",
      detail: `damaged at byte ${journal.validBytes}: ${tail.detail}; ${tail.goodRecordsBehind} good records behind it cannot be used`,
    });
  }
  if (replayed?.stopped !== undefined) {
    problems.push({
      kind: "journal-gap",
      file: "journal",
      detail: `${replayed.stopped.detail}; ${replayed.stopped.records} records from there on cannot be used`,
    });
  }
  return problems;
}

/** What is lost may have been that calls begin. */
function asFarAsKnown(version: Version, problems: readonly Problem[]): Version {
  if (version.info.unbegunCalls === undefined || problems.length === 0) return version;
  const { unbegunCalls: _unknown, ...info } = version.info;
  return { ...version, info };
}

function planFrom(
  id: string,
  base: Base,
  journal: ScannedJournal | undefined,
  problems: Problem[],
  damaged: boolean,
): RecoveryPlan {
  const foreign =
    journal?.header !== undefined &&
    (journal.header.createdAt !== base.version.info.createdAt || journal.header.conversationId !== id);
  const replayed = journal === undefined || foreign ? undefined : replay(base.version, journal.records);
  if (foreign)
    problems.push({
      kind: "journal-foreign",
      file: "journal",
      detail: "it belongs to another conversation, or to an earlier one of this id",
    });
  problems.push(...problemsOfJournal(journal, replayed));
  const unusable = problems.some((problem) => problem.file === "journal");
  return {
    kind: "usable",
    version: asFarAsKnown(replayed?.version ?? base.version, problems),
    sessions: sessionsAfter(base, journal, replayed),
    savedAt: base.savedAt,
    base: base.version.revision,
    source: base.source,
    lastRecordAt: replayed?.lastAt,
    lastRevision: Math.max(base.version.revision, foreign ? 0 : (journal?.lastRevision ?? 0)),
    migratedFrom: base.migratedFrom,
    clean: journal === undefined && problems.length === 0 && base.migratedFrom === undefined,
    quarantine: [...(damaged ? (["snapshot"] as const) : []), ...(unusable ? (["journal"] as const) : [])],
    problems,
  };
}
