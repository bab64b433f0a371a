/**
 * What was found of a conversation → what it is, and what a writer has to do before it goes on. Pure: `verify` prints
 * the plan, readers take its version, only a writer that holds the lock carries it out. The rows are section 5 of the contract.
 */
import type { Version } from "../model/conversation.js";
import { infoOf } from "../model/conversation.js";
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
  /** Newest first; looked at only where the snapshot cannot be used. */
  readonly backups: readonly FoundBackup[];
}

export type ProblemKind =
  | "journal-torn" | "journal-damaged" | "journal-gap" | "journal-foreign" | "journal-orphaned"
  | "snapshot-missing" | "snapshot-damaged" | "snapshot-edited" | "snapshot-newer" | "backup-damaged" | "unreadable";

export interface Problem {
  readonly kind: ProblemKind;
  readonly file: "snapshot" | "journal" | { readonly backup: string };
  readonly detail: string;
}

export type RecoveryPlan =
  | { readonly kind: "absent" }
  | { readonly kind: "edited"; readonly version: Version; readonly problems: readonly Problem[] }
  | { readonly kind: "newer"; readonly schema: string }
  | { readonly kind: "lost"; readonly problems: readonly Problem[] }
  | {
      readonly kind: "usable";
      readonly version: Version;
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
  readonly savedAt: string;
  readonly source: "snapshot" | { readonly backup: string };
  readonly migratedFrom: string | undefined;
}

/** A snapshot that is missing or damaged: only then are backups worth reading. */
export function needsBackups(snapshot: Decoded | undefined): boolean {
  return snapshot === undefined || snapshot.kind === "damaged";
}

export function planRecovery(found: Found): RecoveryPlan {
  const { snapshot, journal, backups } = found;
  if (snapshot === undefined && journal === undefined && backups.length === 0) return { kind: "absent" };
  if (snapshot?.kind === "newer") return { kind: "newer", schema: snapshot.version };
  if (snapshot?.kind === "edited") return planForEdited(snapshot);
  const problems = problemsOfSnapshot(snapshot);
  const base = snapshot?.kind === "valid" ? baseOf(snapshot, "snapshot") : baseFromBackups(backups, problems);
  if (base === undefined) return { kind: "lost", problems: [...problems, ...problemsOfJournal(journal, undefined)] };
  return planFrom(found.conversationId, base, journal, problems, snapshot?.kind === "damaged");
}

function planForEdited(snapshot: Extract<Decoded, { kind: "edited" }>): RecoveryPlan {
  const version = { state: snapshot.state, info: infoOf(snapshot.metadata), revision: snapshot.metadata.revision };
  return { kind: "edited", version, problems: [{ kind: "snapshot-edited", file: "snapshot", detail: snapshot.detail }] };
}

function baseOf(decoded: Extract<Decoded, { kind: "valid" }>, source: Base["source"]): Base {
  const { state, metadata, migratedFrom } = decoded;
  return { version: { state, info: infoOf(metadata), revision: metadata.revision }, savedAt: metadata.savedAt, source, migratedFrom };
}

function problemsOfSnapshot(snapshot: Decoded | undefined): Problem[] {
  if (snapshot === undefined) return [{ kind: "snapshot-missing", file: "snapshot", detail: "it is missing" }];
  return snapshot.kind === "damaged" ? [{ kind: "snapshot-damaged", file: "snapshot", detail: snapshot.detail }] : [];
}

function baseFromBackups(backups: readonly FoundBackup[], problems: Problem[]): Base | undefined {
  for (const { name, decoded } of backups) {
    if (decoded.kind === "valid") return baseOf(decoded, { backup: name });
    const detail = decoded.kind === "newer" ? `it is of the newer version ${decoded.version}` : decoded.detail;
    problems.push({ kind: "backup-damaged", file: { backup: name }, detail });
  }
  return undefined;
}

/** The journal's own state of health, apart from what it continues. */
function problemsOfJournal(journal: ScannedJournal | undefined, replayed: Replayed | undefined): Problem[] {
  if (journal === undefined) return [];
  const problems: Problem[] = [];
  const { tail } = journal;
  if (tail.kind === "torn") problems.push({ kind: "journal-torn", file: "journal", detail: `its last ${tail.bytes} bytes are torn: ${tail.detail}` });
  if (tail.kind === "damaged") {
    problems.push({ kind: "journal-damaged", file: "journal", detail: `damaged at byte ${journal.validBytes}: ${tail.detail}; ${tail.goodRecordsBehind} good records behind it cannot be used` });
  }
  if (replayed?.stopped !== undefined) {
    problems.push({ kind: "journal-gap", file: "journal", detail: `${replayed.stopped.detail}; ${replayed.stopped.records} records from there on cannot be used` });
  }
  return problems;
}

function planFrom(id: string, base: Base, journal: ScannedJournal | undefined, problems: Problem[], damaged: boolean): RecoveryPlan {
  const foreign = journal?.header !== undefined && (journal.header.createdAt !== base.version.info.createdAt || journal.header.conversationId !== id);
  const replayed = journal === undefined || foreign ? undefined : replay(base.version, journal.records);
  if (foreign) problems.push({ kind: "journal-foreign", file: "journal", detail: "it belongs to another conversation, or to an earlier one of this id" });
  problems.push(...problemsOfJournal(journal, replayed));
  const unusable = problems.some((problem) => problem.file === "journal");
  return {
    kind: "usable",
    version: replayed?.version ?? base.version,
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
