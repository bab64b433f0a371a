/** What a session begins to write with: who it is, what it continues, and what the store and its spills hold of that; and how a change is written. */
import type { Version } from "../model/conversation.js";
import type { SessionMark } from "../model/sessions.js";
import type { Lock } from "../storage/storage.js";
import type { Store } from "../store/store.js";
import type { SnapshotOnDisk } from "./base.js";

export interface UpdateOptions {
  /** With `durability: "relaxed"` too the change, and all before it, is synced when it is saved: `flush` then waits for that. */
  readonly synced?: boolean;
}

export interface WriteAheadOptions {
  readonly id: string;
  /** Names this session: no other ever has the name. */
  readonly session: string;
  readonly store: Store;
  readonly lock: Lock;
  /** What the session begins with. */
  readonly version: Version;
  /** The snapshot on disk; undefined if it does not exist. */
  readonly snapshot: SnapshotOnDisk | undefined;
  /** The highest revision that the store holds durably; 0 for none. */
  readonly stored: number;
  /** The highest revision that follows from what the store holds, written or not, such as an answer without a writer, as interrupted. */
  readonly implied?: number | undefined;
  /** The files on disk do not hold what the version continues: the first save is a whole snapshot. */
  readonly wholeFirst: boolean;
  /** Who wrote what the version holds. */
  readonly sessions: readonly SessionMark[];
  /** Sessions whose spills the version holds: they go once the store holds it durably. */
  readonly spilled: readonly string[];
}
