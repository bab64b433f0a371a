/** The current state of a conversation, read as it is; what a person must know about it is printed. */
import { DraftstateError } from "../errors.js";
import type { Metadata } from "../model/conversation.js";
import type { JsonObject } from "../model/json.js";
import type { DraftStatePersistenceManager } from "../manager.js";
import type { Output } from "./output.js";

export interface Present {
  readonly state: JsonObject;
  readonly metadata: Metadata;
}

export interface PresentAdvice {
  /** What to do if only backups are left. */
  readonly onlyBackups: string;
  /** What to do about, or what happens to, a file that was edited. */
  readonly edited: string;
}

/** Throws `NOT_FOUND` if only backups are left. */
export async function loadPresent(
  manager: DraftStatePersistenceManager,
  id: string,
  output: Output,
  advice: PresentAdvice,
): Promise<Present> {
  const loaded = await manager.load(id, { allowEdited: true });
  if (loaded === undefined)
    throw new DraftstateError("NOT_FOUND", `conversation ${id} has only backups left: ${advice.onlyBackups}`);
  if (loaded.edited) output.warning(`${id} was edited by hand or damaged (checksum mismatch): ${advice.edited}`);
  else for (const { kind, detail } of loaded.problems) output.warning(`${id}: ${kind}: ${detail}`);
  return { state: loaded.state, metadata: loaded.metadata };
}
