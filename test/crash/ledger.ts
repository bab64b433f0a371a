/**
 * What a workload knows and was told: each state there ever was, what was said to be durable and when, the bytes that
 * must never go. "When" is the number of disk operations issued by then. `problemsOf` holds what was found against it.
 */
import { isStreaming, type AgentState } from "../../src/model/conversation.js";
import { contentOf, type DiskImage } from "../doubles/disk-image.js";
import type { Found } from "./come-back.js";

const texts = new WeakMap<object, string>();

/** The same for equal values. Each frozen one is written once. */
export function canonical(value: unknown): string {
  if (typeof value !== "object" || value === null || !Object.isFrozen(value)) return write(value);
  const text = texts.get(value) ?? write(value);
  texts.set(value, text);
  return text;
}

function write(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === "object" && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}

/** The state before a recovery interrupted its answer; the same where none did. */
export function beforeInterruption(state: AgentState): AgentState {
  const last = state.messages.at(-1);
  if (last?.status !== "interrupted" || isStreaming(state)) return state;
  return {
    ...state,
    messages: state.messages.slice(0, -1),
    streamingProperties: { ...state.streamingProperties, streamingEndTime: null },
  };
}

interface Fact {
  /** Disk operations issued when it came true. */
  readonly at: number;
}

interface Standing extends Fact {
  /** Operations issued when it may have begun to be untrue. */
  until: number;
}

export interface BackupFact extends Standing {
  readonly timestamp: string;
  readonly revision: number;
}

/** A file that an operation left for later, in the trash or in quarantine, and said so. */
interface FileFact extends Standing {
  readonly path: string;
  readonly bytes: Uint8Array;
}

export class Ledger {
  readonly #states: (Fact & { readonly revision: number; readonly text: string })[] = [];
  readonly #acknowledged: (Fact & { readonly revision: number })[] = [];
  readonly #backups: BackupFact[] = [];
  readonly #absences: Standing[] = [];
  readonly #files: FileFact[] = [];
  readonly #mended: number[] = [];
  readonly #kept: (Standing & { readonly bytes: Uint8Array })[] = [];
  readonly #removed: (Standing & { readonly path: string })[] = [];

  /** The same; with `rebased`, of a disk on which all that stands now is durable from the start. */
  copy({ rebased = false } = {}): Ledger {
    const other = new Ledger();
    const moved = <F extends Fact>(facts: readonly F[]): F[] =>
      facts.map((fact) => ({ ...fact, at: rebased ? 0 : fact.at }));
    const standing = <F extends Standing>(facts: readonly F[]): F[] =>
      moved(facts.filter(({ until }) => !rebased || until === Infinity));
    other.#states.push(...moved(this.#states));
    other.#acknowledged.push(...moved(this.#acknowledged));
    other.#backups.push(...standing(this.#backups));
    other.#absences.push(...standing(this.#absences));
    other.#files.push(...standing(this.#files));
    other.#mended.push(...this.#mended.map((at) => (rebased ? 0 : at)));
    other.#kept.push(...standing(this.#kept));
    other.#removed.push(...standing(this.#removed));
    return other;
  }

  /** What stood after so many operations, for a life that goes on from there and counts its operations from `from`. */
  upTo(after: number, from: number): Ledger {
    const other = new Ledger();
    const standing = <F extends Standing>(facts: readonly F[]): F[] =>
      facts
        .filter((fact) => fact.at <= after && after < fact.until)
        .map((fact) => ({ ...fact, at: Math.min(fact.at, from), until: Infinity }));
    const soFar = <F extends Fact>(facts: readonly F[]): F[] =>
      facts.filter(({ at }) => at <= after).map((fact) => ({ ...fact, at: 0 }));
    other.#states.push(...soFar(this.#states));
    other.#acknowledged.push(...soFar(this.#acknowledged));
    other.#backups.push(...standing(this.#backups));
    other.#absences.push(...standing(this.#absences));
    other.#files.push(...standing(this.#files));
    other.#mended.push(...this.#mended.filter((at) => at <= after).map(() => 0));
    other.#kept.push(...standing(this.#kept));
    other.#removed.push(...standing(this.#removed));
    return other;
  }

  /** `at`: it was not there before so many operations. */
  remember(revision: number, state: unknown, at: number): void {
    this.#states.push({ revision, text: canonical(state), at });
  }

  acknowledge(revision: number, at: number): void {
    this.#acknowledged.push({ revision, at });
  }

  backedUp(timestamp: string, revision: number, at: number): void {
    if (!this.#backups.some((fact) => fact.timestamp === timestamp && fact.until === Infinity))
      this.#backups.push({ timestamp, revision, at, until: Infinity });
  }

  backupGoes(timestamp: string, at: number): void {
    for (const fact of this.#backups)
      if (fact.timestamp === timestamp && fact.until === Infinity) fact.until = Math.max(fact.at, at);
  }

  /** The conversation is removed from now on; `until`: the undo began. */
  gone(at: number): void {
    this.#absences.push({ at, until: Infinity });
  }

  comesBack(at: number): void {
    for (const fact of this.#absences) fact.until = Math.min(fact.until, at);
  }

  fileStands(path: string, bytes: Uint8Array, at: number): void {
    if (!this.#files.some((fact) => fact.path === path && fact.until === Infinity))
      this.#files.push({ path, bytes, at, until: Infinity });
  }

  /** What was left for later may be used up from now on. */
  filesGo(at: number): void {
    for (const fact of [...this.#files, ...this.#removed]) fact.until = Math.min(fact.until, at);
  }

  /** From now on it needs no repair. */
  mended(at: number): void {
    this.#mended.push(at);
  }

  /** From now on these bytes are somewhere on the disk, under whatever name. */
  mustKeep(bytes: Uint8Array, at: number): void {
    this.#kept.push({ bytes, at, until: Infinity });
  }

  mayPurge(at: number): void {
    for (const fact of this.#kept) fact.until = Math.min(fact.until, at);
    this.filesGo(at);
  }

  /** What an operation took away for good, or moved, does not come back under its old name. */
  removedAt(path: string, at: number): void {
    this.#removed.push({ path, at, until: Infinity });
  }

  standing(after: number): readonly BackupFact[] {
    return this.#backups.filter(({ at, until }) => at <= after && after < until);
  }

  acknowledgedAt(after: number): number {
    return Math.max(0, ...this.#acknowledged.filter(({ at }) => at <= after).map(({ revision }) => revision));
  }

  /** `image`: the disk as the crash left it. */
  problemsOf(found: Found, image: DiskImage, after: number): string[] {
    const acknowledged = this.acknowledgedAt(after);
    const lost = this.#kept.filter(
      ({ bytes, at, until }) =>
        at <= after && after < until && !found.contents.some((content) => Buffer.from(content).equals(bytes)),
    );
    return [
      ...found.problems,
      ...this.#problemsOfState(found, acknowledged, after),
      ...this.#problemsOfBackups(found, after),
      ...this.#problemsOfFiles(image, after),
      ...lost.map(
        ({ bytes }) => `bytes that were to be kept are gone: ${Buffer.from(bytes).toString("latin1", 0, 40)}…`,
      ),
    ];
  }

  #problemsOfState(found: Found, acknowledged: number, after: number): string[] {
    const away = this.#absences.some(({ at, until }) => at <= after && after < until);
    if (away && !found.undone) return ["a conversation that was removed is back"];
    if (found.repaired && this.#mended.some((at) => at <= after))
      return ["it had to be repaired, though that was acknowledged"];
    if (found.state === undefined)
      return acknowledged === 0 ? [] : [`revision ${acknowledged} was acknowledged, nothing was found`];
    const believed = this.#revisionsOf(found.state, after);
    if (believed.length === 0) return [`a state is believed that never was: ${canonical(found.state).slice(0, 300)}`];
    if (Math.max(...believed) < acknowledged)
      return [`revision ${acknowledged} was acknowledged, found ${believed.join()}`];
    return this.#problemsOfRevision(found, believed, acknowledged);
  }

  /** A number that was told, or that a file names, is never another state's. */
  #problemsOfRevision(
    { revision, named, state: found }: Found,
    believed: readonly number[],
    acknowledged: number,
  ): string[] {
    if (believed.includes(revision)) return [];
    const another =
      revision <= named &&
      this.#states.some((state) => state.revision === revision && !textsOf(found).includes(state.text));
    return revision > acknowledged && !another
      ? []
      : [`revision ${revision} is used for two states: ${acknowledged} was acknowledged, the files name ${named}`];
  }

  #problemsOfBackups(found: Found, after: number): string[] {
    const missing = this.standing(after)
      .filter(({ timestamp }) => !found.backups.has(timestamp))
      .map(({ timestamp }) => `backup ${timestamp} is gone`);
    const untrue = [...found.backups]
      .filter(([, state]) => this.#revisionsOf(state, after).length === 0)
      .map(([timestamp]) => `backup ${timestamp} holds a state that never was`);
    return [...missing, ...untrue];
  }

  #problemsOfFiles(image: DiskImage, after: number): string[] {
    const there = ({ path, bytes }: FileFact): boolean =>
      Buffer.from(contentOf(image, image.entries.get(path) ?? -1)).equals(bytes);
    const stands = ({ at, until }: Standing): boolean => at <= after && after < until;
    return [
      ...this.#files
        .filter((fact) => stands(fact) && !there(fact))
        .map(({ path }) => `${path} is not what was left there`),
      ...this.#removed
        .filter((fact) => stands(fact) && image.entries.has(fact.path))
        .map(({ path }) => `${path} was moved away, and is back`),
    ];
  }

  #revisionsOf(state: unknown, after: number): readonly number[] {
    const texts = textsOf(state);
    return this.#states.filter(({ text, at }) => at <= after && texts.includes(text)).map(({ revision }) => revision);
  }
}

/** The same, told by whoever found its writer dead, and as that writer left it. */
function textsOf(state: unknown): readonly string[] {
  return [canonical(state), ...(isAgentState(state) ? [canonical(beforeInterruption(state))] : [])];
}

function isAgentState(state: unknown): state is AgentState {
  return typeof state === "object" && state !== null && Array.isArray((state as Partial<AgentState>).messages);
}
