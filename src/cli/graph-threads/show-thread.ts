/** `show` of a LangGraph thread: its messages as a conversation, or its state; `--inspect` for its checkpoint and files. */
import { DraftstateError } from "../../errors.js";
import type { DraftStatePersistenceManager } from "../../manager.js";
import { readThreadDocument, type ThreadDocument } from "../../operations/graph-threads/thread-document.js";
import { verifyThread } from "../../operations/verify/verify-threads.js";
import { threadName } from "../../store/names.js";
import { shownId } from "../arguments/resolve-target.js";
import type { CommandContext } from "../context.js";
import { renderProperties } from "../terminal/tables/properties.js";
import { pluralize } from "../terminal/text/format.js";
import { toSafeLine, toSafeText } from "../terminal/text/safe-text.js";
import { wrapText } from "../terminal/text/wrap-text.js";

export interface ShowThreadOptions {
  readonly checkpoint?: string | undefined;
  readonly raw?: boolean;
  readonly last?: number;
  readonly inspect?: boolean;
  readonly pager: boolean;
}

/** How a conversation's messages are printed. */
export type RenderMessages = (document: ThreadDocument) => string;

export async function showThread(
  manager: DraftStatePersistenceManager,
  threadId: string,
  options: ShowThreadOptions,
  context: CommandContext,
  renderMessages: RenderMessages,
): Promise<number> {
  if (options.raw === true)
    throw new DraftstateError("USAGE", "--raw is for conversations: a thread is a log; --json prints its state");
  const document = await readThreadDocument(manager.threads, threadId, options.checkpoint);
  if (options.inspect === true) return inspect(manager, document, context);
  if (context.json) context.output.json(asJson(document));
  else await context.page(render(document, context, renderMessages), { paged: options.pager });
  return 0;
}

function checkpointOf({ checkpoint }: ThreadDocument): object | null {
  if (checkpoint === undefined) return null;
  const { id, ns, parent, at, step, source } = checkpoint;
  return { id, namespace: ns, parent: parent ?? null, createdAt: new Date(at).toISOString(), step, source };
}

function asJson(document: ThreadDocument): object {
  const { threadId, values, partials, interrupts, metadata, checkpointCount } = document;
  return {
    kind: "thread",
    conversationId: threadId,
    status: metadata.status,
    checkpoint: checkpointOf(document),
    checkpointCount,
    values,
    interrupts,
    partials: partials.map(({ ns, node, run, message, text, calls, startedAt, updatedAt }) => ({
      namespace: ns,
      node,
      runId: run,
      messageId: message,
      text,
      toolCallChunks: calls,
      startedAt: new Date(startedAt).toISOString(),
      updatedAt: new Date(updatedAt).toISOString(),
    })),
  };
}

function render(document: ThreadDocument, { output }: CommandContext, renderMessages: RenderMessages): string {
  const { style, width } = output;
  const { messages: _, ...others } = document.values;
  const shown = document.hasMessages ? renderMessages(document) : stateText(document.threadId, others);
  const asked = document.interrupts.map((question) =>
    style.yellow(
      toSafeText(`waiting for an answer to: ${typeof question === "string" ? question : JSON.stringify(question)}`),
    ),
  );
  return [shown, ...asked.map((text) => wrapText(text, width))].join("\n\n");
}

function stateText(threadId: string, values: object): string {
  return `${toSafeLine(shownId(threadId))}\n\n${toSafeText(JSON.stringify(values, null, 2))}`;
}

async function inspect(
  manager: DraftStatePersistenceManager,
  document: ThreadDocument,
  context: CommandContext,
): Promise<number> {
  const { output } = context;
  const found = await verifyThread(manager.storage, threadName(document.threadId));
  const verification = { ...found, problems: output.detailed(found.problems) };
  if (context.json) output.json({ ...asJson(document), files: verification.checked, verification });
  else {
    const { style } = output;
    const { checkpoint, metadata, checkpointCount, values, partials } = document;
    const properties = [
      { name: "thread", value: toSafeLine(shownId(document.threadId)) },
      { name: "status", value: metadata.status },
      { name: "checkpoint", value: toSafeLine(JSON.stringify(checkpointOf({ ...document, checkpoint }))) },
      { name: "checkpoints", value: String(checkpointCount) },
      { name: "channels", value: toSafeLine(Object.keys(values).join(", ")) },
      { name: "messages", value: String(metadata.messageCount) },
      { name: "partial answers", value: String(partials.length) },
      { name: "files", value: String(verification.checked) },
      verification.ok
        ? { name: "health", value: "ok", paint: style.green }
        : { name: "health", value: pluralize(verification.problems.length, "problem"), paint: style.red },
    ];
    output.line(await renderProperties(properties, style));
    for (const { kind, path, detail } of verification.problems)
      output.line(`  ${style.red(kind)}  ${toSafeLine(`${path}: ${detail}`)}`);
  }
  return verification.ok ? 0 : 4;
}
