/** `repair` of a namespace of a LangGraph store: a new file of what can be read; the files as found go to quarantine. */
import { DraftstateError } from "../../errors.js";
import type { DraftStatePersistenceManager } from "../../manager.js";
import { repairNamespaceNamed } from "../../operations/repair-namespace.js";
import type { CommandContext } from "../context.js";
import { pluralize } from "../terminal/text/format.js";
import { toSafeLine } from "../terminal/text/safe-text.js";

export async function repairNamespaceOf(
  manager: DraftStatePersistenceManager,
  namespace: string,
  accept: boolean,
  { json, output }: CommandContext,
): Promise<void> {
  if (accept)
    throw new DraftstateError("USAGE", "--accept is for conversations: an item that was edited by hand is left out");
  const result = await repairNamespaceNamed(manager.store, namespace);
  if (json) {
    output.json({ kind: "namespace", conversationId: namespace, ...result });
    return;
  }
  const name = toSafeLine(namespace);
  for (const path of result.quarantined) output.message(toSafeLine(`kept the file as found: ${path}`));
  output.message(
    result.repaired
      ? `repaired ${name}: ${pluralize(result.kept, "item")} kept, ${pluralize(result.lostLines, "line")} could not be read`
      : `${name} needs no repair`,
  );
}
