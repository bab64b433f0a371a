/** `diff` of a LangGraph thread: what changed between two checkpoints; by default, in the newest. */
import type { JsonObject } from "../../model/json.js";
import type { DraftStatePersistenceManager } from "../../manager.js";
import { readThreadDocument, type ThreadDocument } from "../../operations/graph-threads/thread-document.js";

export interface ThreadComparison {
  readonly before: { readonly label: string; readonly state: JsonObject };
  readonly after: { readonly label: string; readonly state: JsonObject };
}

/** `now` is the newest checkpoint, with the answers that no node has written. */
export async function compareCheckpoints(
  manager: DraftStatePersistenceManager,
  threadId: string,
  from: string | undefined,
  to: string | undefined,
): Promise<ThreadComparison> {
  const after = await readThreadDocument(manager.threads, threadId, to === "now" ? undefined : to);
  const wanted = from === "now" ? undefined : (from ?? after.checkpoint?.parent);
  const before =
    from === undefined && wanted === undefined
      ? undefined
      : await readThreadDocument(manager.threads, threadId, wanted);
  return {
    before: { label: labelOf(before), state: before?.state ?? {} },
    after: { label: labelOf(after), state: after.state },
  };
}

function labelOf(document: ThreadDocument | undefined): string {
  return document?.checkpoint?.id ?? "nothing";
}
