/** Spills as another session would have left them. */
import { metadataOf, SPILL_FORMAT, type Version } from "../../src/model/conversation.js";
import type { SessionMark } from "../../src/model/sessions.js";
import { encodeSnapshot } from "../../src/snapshot/encode.js";
import type { Storage } from "../../src/storage/storage.js";
import { spillKey } from "../../src/store/names.js";

export interface LeftSpill {
  readonly id: string;
  readonly version: Version;
  readonly session?: string;
  /** Marks of the sessions before, whose changes it holds. */
  readonly holds?: readonly SessionMark[];
  /** 0 where it is left out: the store never held the conversation. */
  readonly base?: number;
  /** That of this version where it is left out. */
  readonly format?: number;
}

/** In the fallback directory of a store. */
export async function leaveSpill(
  fallback: Storage,
  store: Storage,
  { id, version, session = "other1", holds = [], base = 0, format = SPILL_FORMAT }: LeftSpill,
): Promise<void> {
  const note = { format: format as typeof SPILL_FORMAT, store: store.identity, session, base } as const;
  const metadata = {
    ...metadataOf(version, id, "2026-01-14T21:40:00.000Z", [...holds, { session, revision: version.revision }]),
    spill: note,
  };
  await fallback.prepare();
  await fallback.replace(spillKey(id, session), encodeSnapshot(version.state, metadata));
}
