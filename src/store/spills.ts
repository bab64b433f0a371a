/**
 * The fallback: where a session keeps what it cannot write to its store. Each session has one file there, its spill, which
 * it alone replaces: a snapshot that names the store, the session and the revision that the store is known to hold.
 * Nothing is opened, locked or continued here; a spill is brought home under the lock of its store (session/bring-home.ts).
 */
import { isDraftstateError, messageOf } from "../errors.js";
import { metadataOf, SPILL_FORMAT, type Version } from "../model/conversation.js";
import { ended } from "../model/interruption.js";
import type { SessionMark } from "../model/sessions.js";
import type { RecoveryPlan } from "../plan/recovery.js";
import { planSpills, type SpillDecision, type SpillStore } from "../plan/spill.js";
import { SnapshotParts } from "../snapshot/encode.js";
import { decodeSpill, type DecodedSpill } from "../snapshot/spill.js";
import { versionOf } from "../snapshot/decode.js";
import type { Key, Storage } from "../storage/storage.js";
import { MAX_FILE_BYTES } from "./codec.js";
import type { ManagerEmitter } from "./events.js";
import { newerVersion } from "./newer.js";
import { parseSpillName, spillKey } from "./names.js";

export interface SpillsOptions {
  readonly storage: Storage;
  /** The identity of the store that is spilled from: the directory may be shared by several. */
  readonly store: string;
  readonly directory: string;
  readonly events: ManagerEmitter;
  readonly now: () => Date;
}

/** A spill of this store as it was read, whatever it is. */
export interface FoundSpill {
  readonly id: string;
  readonly session: string;
  readonly path: string;
  readonly sizeBytes: number;
  readonly decoded: DecodedSpill;
}

export type ValidSpill = FoundSpill & { readonly decoded: Extract<DecodedSpill, { kind: "valid" }> };

export interface SpillRequest {
  readonly session: string;
  /** The highest revision that the store holds durably. */
  readonly base: number;
  readonly sessions: readonly SessionMark[];
}

export class Spills {
  /** Sessions of this process that spill at present. */
  readonly #active = new Set<string>();
  readonly #reported = new Set<string>();

  constructor(private readonly options: SpillsOptions) {}

  get directory(): string {
    return this.options.directory;
  }

  /** Durable when it resolves; in place of what the session spilled before. `cause` is why it is needed. */
  async save(id: string, version: Version, { session, base, sessions }: SpillRequest, cause: unknown): Promise<void> {
    const { storage, events, now, directory, store } = this.options;
    await storage.prepare();
    const metadata = {
      ...metadataOf(version, id, now().toISOString(), sessions),
      spill: { format: SPILL_FORMAT, store, session, base },
    } as const;
    await storage.replaceAs(this.#writer(id), spillKey(id, session), new SnapshotParts(version.state, metadata));
    if (this.#active.has(session)) return;
    this.#active.add(session);
    events.emit("fallback", { conversationId: id, active: true, directory, error: cause });
  }

  /** The store holds it durably, or a fork does: only then. A file that cannot be removed is found again, and known to be held. */
  async remove(id: string, session: string): Promise<void> {
    const { storage, events } = this.options;
    const key = spillKey(id, session);
    const removed = await storage.remove(key).catch((error: unknown) => {
      events.emit("warning", {
        conversationId: id,
        message: `${storage.describe(key)} could not be removed: ${messageOf(error)}`,
        error,
      });
      return false;
    });
    this.#ended(id, session, removed);
  }

  /** With its conversation, whatever it holds. Rejects where it cannot be removed: it would bring the conversation back. */
  async purge(id: string, session: string): Promise<void> {
    this.#ended(id, session, await this.options.storage.remove(spillKey(id, session)));
  }

  #ended(id: string, session: string, removed: boolean): void {
    const { events, directory } = this.options;
    if (this.#active.delete(session) || removed)
      events.emit("fallback", { conversationId: id, active: false, directory });
  }

  /** Removes what a session that died left unfinished. For a writer that holds the conversation's lock: no other session of it lives. */
  async sweep(id: string): Promise<void> {
    await this.options.storage.sweep(this.#writer(id), "state");
  }

  /** The directory may be shared by stores that have conversations of the same id. */
  #writer(id: string): string {
    return `${id}.${tagOf(this.options.store)}`;
  }

  /** Of this store and conversation; undefined for `id`: of all of its conversations. Unreadable directories hold none that can be used. */
  async find(id?: string): Promise<FoundSpill[]> {
    const { storage } = this.options;
    const found: FoundSpill[] = [];
    for (const name of await storage.list("state", id === undefined ? {} : { prefix: `${id}.` })) {
      const parsed = parseSpillName(name);
      if (parsed === undefined || (id !== undefined && parsed.conversationId !== id)) continue;
      const spill = await this.#read({ area: "state", name }, parsed.conversationId, parsed.session);
      if (spill !== undefined) found.push(spill);
    }
    return found;
  }

  /** Whether a spill of this store continues a conversation that it held. */
  async continueSomething(): Promise<boolean> {
    return (await this.find()).some(({ decoded }) => decoded.kind === "valid" && decoded.note.base > 0);
  }

  /** The ids of this store's conversations that have spills; sorted. */
  async ids(): Promise<string[]> {
    return [...new Set((await this.find()).map(({ id }) => id))].sort();
  }

  /** Warns of those that cannot be used, once per process. */
  report(spills: readonly FoundSpill[]): void {
    for (const { id, path, decoded } of spills) {
      if (decoded.kind !== "damaged" || this.#reported.has(path)) continue;
      this.#reported.add(path);
      this.options.events.emit("warning", {
        conversationId: id,
        message: `${path}, which holds changes that could not be saved to the store, is damaged and was left as it is: ${decoded.detail}`,
      });
    }
  }

  async #read(key: Key, id: string, session: string): Promise<FoundSpill | undefined> {
    const { storage, store } = this.options;
    const about = { id, session, path: storage.describe(key) };
    try {
      const bytes = await storage.read(key, { maxBytes: MAX_FILE_BYTES });
      if (bytes === undefined) return undefined;
      const decoded = decodeSpill(bytes, id);
      // Another project may share the directory: its spills are its own.
      const owner = decoded.kind === "valid" ? decoded.note.store : decoded.store;
      if (owner !== undefined && owner !== store) return undefined;
      const isOwn = decoded.kind !== "valid" || decoded.note.session === session;
      return {
        ...about,
        sizeBytes: bytes.length,
        decoded: isOwn ? decoded : { kind: "damaged", detail: "it is of another session than its name says" },
      };
    } catch (error) {
      if (!isDraftstateError(error, "CORRUPT")) throw error;
      return { ...about, sizeBytes: 0, decoded: { kind: "damaged", detail: error.message } };
    }
  }
}

export function isValidSpill(spill: FoundSpill): spill is ValidSpill {
  return spill.decoded.kind === "valid";
}

export interface PlannedSpill {
  readonly found: ValidSpill;
  readonly decision: SpillDecision;
}

/** What is to be done with each valid spill, in the order in which they can be removed. */
export function planOf(spills: readonly FoundSpill[], main: SpillStore): PlannedSpill[] {
  const candidates = spills.filter(isValidSpill).map((found) => {
    const {
      metadata: { createdAt, revision, sessions = [] },
      note: { base },
    } = found.decoded;
    return { found, session: found.session, createdAt, base, revision, sessions };
  });
  return planSpills(main, candidates).map(({ spill, decision }) => ({ found: spill.found, decision }));
}

/** Throws `NEWER_VERSION`: a spill of a newer version may hold what comes after all that is in the store. */
export function assertNoneNewer(spills: readonly FoundSpill[]): void {
  for (const { path, decoded } of spills)
    if (decoded.kind === "newer")
      throw newerVersion(path, `${decoded.detail}; it holds changes that could not be saved to the store`);
}

/** The spill that is ahead of its store: what a reader is shown, and what the next session continues from. */
export function spillAhead(spills: readonly FoundSpill[], main: SpillStore): ValidSpill | undefined {
  return planOf(spills, main).find(({ decision }) => decision.kind === "apply")?.found;
}

/** What the store holds, for comparison with spills: nothing where all of it is lost. */
export function heldBy(plan: RecoveryPlan): SpillStore {
  if (plan.kind !== "usable") return { createdAt: undefined, revision: 0, sessions: [] };
  const {
    version: { info, revision },
    sessions,
  } = plan;
  return { createdAt: info.createdAt, revision, sessions };
}

/** Short, and another for nearly every store (FNV-1a, 32 bits). */
function tagOf(store: string): string {
  let hash = 0x811c9dc5;
  for (let index = 0; index < store.length; index += 1) hash = Math.imul(hash ^ store.charCodeAt(index), 0x01000193);
  return (hash >>> 0).toString(36);
}

/** The version in a spill, an answer that its session did not end interrupted. */
export function versionIn({ decoded }: ValidSpill): Version {
  return ended(
    versionOf({ kind: "valid", state: decoded.state, metadata: decoded.metadata }),
    decoded.metadata.savedAt,
  );
}
