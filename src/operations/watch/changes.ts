/** What the events of a watch can tell, and what a conversation was at an earlier revision. Pure. */
import { replay } from "../../journal/replay.js";
import { messagesOf, type State, type Version } from "../../model/conversation.js";
import { jsonEqual, ownValue } from "../../model/json.js";
import type { Found } from "../../plan/recovery.js";
import { versionOf } from "../../snapshot/decode.js";

/** Told by the text of answers and by messages that join. */
const TOLD = ["messages", "currentNarrative", "streamingProperties"];

/** Whether what changed is only that an answer grew, or that messages joined behind those that were there. */
export function isTold(before: State, after: State): boolean {
  const fields = new Set([...Object.keys(before), ...Object.keys(after)]);
  const isOurs = [...fields].every(
    (field) => TOLD.includes(field) || jsonEqual(ownValue(before, field), ownValue(after, field)),
  );
  return isOurs && beginsWith(messagesOf(after), messagesOf(before));
}

function beginsWith(messages: ReturnType<typeof messagesOf>, beginning: ReturnType<typeof messagesOf>): boolean {
  return messages === beginning || beginning.every((message, index) => jsonEqual(message, messages[index]));
}

/** Undefined where the snapshot is past that revision, the journal does not stop at it, or it is not there yet. */
export function versionAt({ snapshot, journal }: Found, revision: number, now: Version): Version | undefined {
  if (now.revision === revision) return now;
  if (snapshot?.kind !== "valid" || snapshot.metadata.revision > revision || now.revision < revision) return undefined;
  const records = (journal?.records ?? []).filter((record) => record.revision <= revision);
  const { version } = replay(versionOf(snapshot), records);
  return version.revision === revision && version.info.createdAt === now.info.createdAt ? version : undefined;
}
