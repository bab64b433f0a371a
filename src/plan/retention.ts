/**
 * Backups and a policy → what stays, why, and what goes. Pure: the clock is an argument.
 * Rules are what backup tools mean by them: each names what it keeps, and what no rule keeps is removed.
 */
import type { BackupReason } from "../model/conversation.js";
import { assertAmount, assertCount } from "../model/given.js";

export interface RetainedBackup {
  readonly name: string;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly revision: number;
  readonly pinned: boolean;
  readonly valid: boolean;
  readonly reason?: BackupReason | undefined;
  /** Of a newer version: not for this one to remove (G8). */
  readonly newer?: boolean;
}

export interface RetentionPolicy {
  /** Keep the newest N. */
  readonly max?: number;
  /** Milliseconds: keep what is not older. */
  readonly olderThan?: number;
  /** Keep the newest of each of the last N days, weeks (ISO, from Monday), months that have one; in UTC. */
  readonly keepDaily?: number;
  readonly keepWeekly?: number;
  readonly keepMonthly?: number;
}

export interface RetentionPlan<B extends RetainedBackup> {
  readonly keep: readonly { readonly backup: B; readonly reasons: readonly string[] }[];
  readonly remove: readonly B[];
}

const DAY = 24 * 60 * 60 * 1000;

function dayOf(at: number): string {
  return new Date(at).toISOString().slice(0, 10);
}

function weekOf(at: number): string {
  const weekday = (new Date(at).getUTCDay() + 6) % 7;
  return dayOf(at - weekday * DAY);
}

function monthOf(at: number): string {
  return new Date(at).toISOString().slice(0, 7);
}

function newestOfEach(
  backups: readonly RetainedBackup[],
  count: number,
  periodOf: (at: number) => string,
): Set<RetainedBackup> {
  const kept = new Map<string, RetainedBackup>();
  for (const backup of backups) {
    const period = periodOf(backup.at);
    if (!kept.has(period) && kept.size < count) kept.set(period, backup);
  }
  return new Set(kept.values());
}

/** Newest first. Revisions order backups; clocks only those of equal revision. */
export function newestFirst<B extends { readonly revision: number; readonly at: number }>(backups: readonly B[]): B[] {
  return [...backups].sort((left, right) => right.revision - left.revision || right.at - left.at);
}

/** `protectLastValid`: the conversation's snapshot is damaged, so its newest valid backup is all there is (I5). */
export function planRetention<B extends RetainedBackup>(
  backups: readonly B[],
  policy: RetentionPolicy,
  context: {
    readonly now: number;
    readonly protectLastValid: boolean;
    /** The others stay. */
    readonly only?: ReadonlySet<string>;
    /** Of what restore and undo saved, the newest N stay beside `max`: going back and forth takes no turn away. */
    readonly maxSaved?: number;
  },
): RetentionPlan<B> {
  for (const rule of ["max", "keepDaily", "keepWeekly", "keepMonthly"] as const) assertCount(policy[rule], rule);
  assertAmount(policy.olderThan, "olderThan");
  const ordered = newestFirst(backups);
  const rules: [string, (backup: B) => boolean][] = [
    ["pinned", (backup) => backup.pinned],
    ["newer version", (backup) => backup.newer === true],
  ];
  const { only, maxSaved } = context;
  const { max, olderThan, keepDaily, keepWeekly, keepMonthly } = policy;
  // Pinned backups stand beside the count, so that pinning one never costs a turn; so do those that are not ours to remove.
  const counted = ordered.filter((backup) => !backup.pinned && backup.newer !== true);
  const isSaved = ({ reason }: B): boolean => maxSaved !== undefined && reason === "restore";
  const newest = new Set(counted.filter((backup) => !isSaved(backup)).slice(0, max));
  const saved = new Set(counted.filter(isSaved).slice(0, maxSaved));
  if (only !== undefined) rules.push(["not asked for", ({ name }) => !only.has(name)]);
  if (max !== undefined) rules.push([`newest ${max}`, (backup) => newest.has(backup)]);
  if (maxSaved !== undefined)
    rules.push([`newest ${maxSaved} saved by restore or undo`, (backup) => saved.has(backup)]);
  if (olderThan !== undefined) rules.push(["recent", (backup) => context.now - backup.at <= olderThan]);
  for (const [label, count, periodOf] of [
    ["daily", keepDaily, dayOf],
    ["weekly", keepWeekly, weekOf],
    ["monthly", keepMonthly, monthOf],
  ] as const) {
    if (count === undefined) continue;
    const kept = newestOfEach(ordered, count, periodOf);
    rules.push([label, (backup) => kept.has(backup)]);
  }
  const lastValid = context.protectLastValid ? ordered.find((backup) => backup.valid) : undefined;
  rules.push(["last valid", (backup) => backup === lastValid]);
  if (rules.length === 3) return { keep: ordered.map((backup) => ({ backup, reasons: ["no rule"] })), remove: [] };
  const decided = ordered.map((backup) => ({
    backup,
    reasons: rules.filter(([, keeps]) => keeps(backup)).map(([label]) => label),
  }));
  return {
    keep: decided.filter(({ reasons }) => reasons.length > 0),
    remove: decided.filter(({ reasons }) => reasons.length === 0).map(({ backup }) => backup),
  };
}
