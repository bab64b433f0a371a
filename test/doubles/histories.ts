/** A true history of a conversation, revision by revision, and the journal that tells it. */
import { encodeHeader, encodeRecord, type JournalRecord } from "../../src/journal/record.js";
import { StateContainer } from "../../src/model/container.js";
import type { JsonObject } from "../../src/model/json.js";
import { CREATED_AT, versionAt } from "./snapshots.js";

export const BASE = versionAt(5, { messages: [], currentNarrative: "", n: 0 });

export interface History {
  /** The state at each revision from the base's on. */
  readonly states: readonly JsonObject[];
  readonly records: readonly JournalRecord[];
  readonly bytes: Buffer;
}

export function journalBytes(records: readonly JournalRecord[], base = BASE.revision, createdAt = CREATED_AT): Buffer {
  return Buffer.from(encodeHeader({ conversationId: "chat", createdAt, base }) + records.map(encodeRecord).join(""));
}

function countUp(draft: { n: number; messages: unknown[] }): void {
  draft.n += 1;
  draft.messages.push({ id: `m${draft.n}`, content: "é\n" });
}

/** Tokens, and after each third one a change of another kind. */
export function historyOf(length: number): History {
  const container = new StateContainer(BASE.state);
  const states = [container.state];
  const records: JournalRecord[] = [];
  for (let index = 1; index <= length; index += 1) {
    const patches = index % 3 === 0 ? container.update(countUp as never) : [container.token(` token${index}`)];
    states.push(container.state);
    records.push({
      from: BASE.revision + index,
      revision: BASE.revision + index,
      at: 1_736_890_201_000 + index,
      patches,
    });
  }
  return { states, records, bytes: journalBytes(records) };
}
