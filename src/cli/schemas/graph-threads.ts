/** What `show`, `backups`, `restore`, `prune` and `repair` print with `--json` of a LangGraph thread. */
import { z } from "zod";
import { anyId, count, jsonPatch, path, status, time } from "./parts.js";
import { verify } from "./verify.js";

const kind = z.literal("thread");
const thread = { kind, conversationId: anyId.describe("Id of the thread.") };
const checkpointId = z.string().describe("Id of a checkpoint, as LangGraph gives it.");
const step = z.int().nullable();
const source = z.string().nullable().describe("`input`, `loop`, `update` or `fork`.");

const shown = {
  ...thread,
  status: status.describe("`interrupted` also where a node waits for a person."),
  checkpoint: z
    .object({
      id: checkpointId,
      namespace: z.string(),
      parent: checkpointId.nullable(),
      createdAt: time,
      step,
      source,
    })
    .nullable()
    .describe("null where only tokens have been written yet."),
  checkpointCount: count,
  values: z.record(z.string(), z.json()).describe("The state, LangChain's objects in their serialised form."),
  interrupts: z.array(z.json()).describe("What nodes have asked, and wait for."),
  partials: z.array(
    z.object({
      namespace: z.string(),
      node: z.string(),
      runId: z.string(),
      messageId: z.string(),
      text: z.string(),
      toolCallChunks: z.array(z.json()),
      startedAt: time,
      updatedAt: time,
    }),
  ),
};

export const showThread = z.object(shown).describe("A thread at its newest checkpoint, or at the one asked for.");

export const inspectThread = z
  .object({ ...shown, files: count.describe("Files of its log."), verification: verify })
  .describe("show --inspect of a thread.");

export const checkpoints = z
  .array(
    z.object({
      ...thread,
      id: checkpointId,
      parent: checkpointId.nullable(),
      createdAt: time,
      step,
      source,
      nodes: z.array(z.string()).describe("That ran since the parent."),
      messageCount: count,
      channels: z.array(z.string()).describe("Channels whose values differ from the parent's."),
      changes: z.object({ added: count, removed: count, edited: count, moved: count, fields: count }),
      pendingWrites: count,
    }),
  )
  .describe("backups of a thread: the checkpoints of its own graph, newest first.");

export const restoreThread = z
  .object({
    ...thread,
    restoredFrom: checkpointId,
    checkpoint: checkpointId.nullable().describe("The new one; null where nothing was written."),
    previous: checkpointId.describe("The newest before: restoring it is the way back."),
    dryRun: z.boolean(),
    changes: jsonPatch,
  })
  .describe("restore of a thread: the graph continues from the new checkpoint.");

const named = z.object({ namespace: z.string(), id: checkpointId });

export const pruneThreads = z
  .array(
    z.object({
      ...thread,
      kept: z.array(named.extend({ reasons: z.array(z.string()) })),
      removed: z.array(named).describe("Or what would be, in a dry run."),
      dryRun: z.boolean(),
      purged: z.boolean().describe("Gone for good: not in the trash."),
    }),
  )
  .describe("prune of threads: what stays, why, and what goes.");

export const repairNamespace = z
  .object({
    kind: z.literal("namespace"),
    conversationId: z.string().describe("Its labels, joined by dots."),
    repaired: z.boolean(),
    kept: count.describe("Items that are kept."),
    lostLines: count,
    quarantined: z.array(path).describe("Copies of the files as found."),
  })
  .describe("repair of a namespace of a LangGraph store.");

export const repairThread = z
  .object({
    ...thread,
    repaired: z.boolean(),
    kept: count.describe("Checkpoints that are kept."),
    lostLines: count,
    lostCheckpoints: z.array(checkpointId).describe("Those whose values are lost."),
    quarantined: z.array(path).describe("Copies of the files as found."),
  })
  .describe("repair of a thread.");
