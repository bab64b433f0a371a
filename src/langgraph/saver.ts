/**
 * A LangGraph checkpointer on draftstate: threads in plain files, a channel's value stored once, everything durable before it
 * is acknowledged. It turns LangGraph's words into a thread's, and back.
 */
import {
  BaseCheckpointSaver,
  copyCheckpoint,
  WRITES_IDX_MAP,
  type ChannelVersions,
  type Checkpoint,
  type CheckpointListOptions,
  type CheckpointMetadata,
  type CheckpointTuple,
  type DeltaChannelHistory,
  type PendingWrite,
  type SerializerProtocol,
} from "@langchain/langgraph-checkpoint";
import type { RunnableConfig } from "@langchain/core/runnables";
import type { Payload } from "../checkpoints/payload.js";
import type { ChannelVersion } from "../checkpoints/record.js";
import { createDraftStatePersistenceManager, type CreateManagerOptions } from "../create-manager.js";
import type { DraftStatePersistenceManager } from "../manager.js";
import type { Thread } from "../threads/thread.js";
import { copyInto } from "../threads/copy.js";
import { byPolicy, prune, resultOf, withoutRuns, type PlanRemoval, type PruneThreadResult } from "../threads/prune.js";
import { removeThread } from "../threads/remove.js";
import { repairThread, type RepairThreadResult } from "../threads/repair.js";
import { undoThread, type UndoneThreadChange } from "../threads/undo.js";
import type { RetentionPolicy } from "../plan/retention.js";
import { assertKey, checkpointIdOf, configOf, mustHaveThreadId, namespaceOf, runIdOf, threadIdOf } from "./config.js";
import { deltaHistoryOf } from "./delta-history.js";
import { LiveStreams } from "./live-streams.js";
import { dropPartial, keepPartial, partialsOf, type KeepingGraph, type KeepOptions, type Partial } from "./partials.js";
import { dump } from "./payloads.js";
import { DraftstateSerializer, type ClassName } from "./serializer.js";
import { TokenLog, type TokenLogOptions } from "./token-log.js";
import { metadataOf, tupleOf } from "./tuples.js";
import { DraftstateError } from "../errors.js";

export interface SaverOptions extends CreateManagerOptions {
  /** An existing manager, which the caller closes; without one, the saver makes its own of the other options. */
  manager?: DraftStatePersistenceManager;
  /** Classes that a state may hold beside messages, documents and prompt values. */
  allow?: readonly ClassName[];
  /** Another serializer, with rules of its own. */
  serde?: SerializerProtocol;
}

export interface PruneThreadOptions {
  /** Only says what would go. */
  readonly dryRun?: boolean;
}

export class DraftstateSaver extends BaseCheckpointSaver {
  readonly manager: DraftStatePersistenceManager;
  readonly #ownsManager: boolean;
  readonly #live = new LiveStreams();

  /** Touches no file until something is read or written. */
  constructor({ manager, allow, serde, ...options }: SaverOptions = {}) {
    super(serde ?? new DraftstateSerializer(allow));
    this.manager = manager ?? createDraftStatePersistenceManager(options);
    this.#ownsManager = manager === undefined;
  }

  override async getTuple(config: RunnableConfig): Promise<CheckpointTuple | undefined> {
    const [threadId, ns = "", id] = [threadIdOf(config), namespaceOf(config), checkpointIdOf(config)];
    if (threadId === undefined) return undefined;
    return this.#thread(threadId).read(async (view) => {
      const entry = id === undefined ? view.index.latest(ns) : view.index.checkpoint(ns, id);
      return entry === undefined ? undefined : tupleOf(view, this.serde, entry);
    });
  }

  /** Newest first, thread by thread. */
  override async *list(config: RunnableConfig, options: CheckpointListOptions = {}): AsyncGenerator<CheckpointTuple> {
    const [only, ns, id] = [threadIdOf(config), namespaceOf(config), checkpointIdOf(config)];
    const before = checkpointIdOf(options.before);
    let left = options.limit ?? Infinity;
    for (const threadId of only === undefined ? await this.manager.threads.ids() : [only]) {
      const thread = this.#thread(threadId);
      const entries = await thread.read((view) => Promise.resolve(view.index.checkpoints(ns)));
      for (const entry of entries) {
        if (left <= 0) return;
        if ((id !== undefined && entry.id !== id) || (before !== undefined && entry.id >= before)) continue;
        const tuple = await this.#fitting(thread, entry.ns, entry.id, options.filter);
        if (tuple === undefined) continue;
        left -= 1;
        yield tuple;
      }
    }
  }

  /** Undefined where it does not fit, or is gone by now. */
  async #fitting(
    thread: Thread,
    ns: string,
    id: string,
    filter: Readonly<Record<string, unknown>> = {},
  ): Promise<CheckpointTuple | undefined> {
    const wanted = Object.entries(filter);
    return thread.read(async (view) => {
      const entry = view.index.checkpoint(ns, id);
      if (entry === undefined) return undefined;
      const metadata: object = wanted.length === 0 ? {} : await metadataOf(view, this.serde, entry);
      const fits = wanted.every(([key, value]) => (metadata as Readonly<Record<string, unknown>>)[key] === value);
      return fits ? tupleOf(view, this.serde, entry) : undefined;
    });
  }

  /** Durable when it resolves. Stores the channels of `newVersions`; all others are the parent's. */
  override async put(
    config: RunnableConfig,
    checkpoint: Checkpoint,
    metadata: CheckpointMetadata,
    newVersions: ChannelVersions,
  ): Promise<RunnableConfig> {
    const [threadId, ns = "", parent] = [mustHaveThreadId(config, "put"), namespaceOf(config), checkpointIdOf(config)];
    assertKey("checkpoint.id", checkpoint.id);
    const {
      id,
      channel_values: values,
      channel_versions: versions,
      ...state
    } = { ...checkpoint, ...copyCheckpoint(checkpoint) };
    const written = await this.#written(values, newVersions);
    const held = this.#live.heldBy(threadId, ns, metadata.source === "loop" ? metadata.step : -Infinity);
    await this.#thread(threadId).put({
      ns,
      id,
      parent,
      run: runIdOf(config, metadata),
      versions: versionsOf(versions),
      newVersions: versionsOf(newVersions),
      written,
      state: await dump(this.serde, state),
      metadata: await dump(this.serde, metadata),
      drops: held.flatMap(({ number }) => number ?? []),
    });
    this.#live.remove(held);
    return configOf(threadId, ns, id);
  }

  async #written(
    values: Readonly<Record<string, unknown>>,
    newVersions: ChannelVersions,
  ): Promise<Map<string, Payload | undefined>> {
    const channels = Object.keys(newVersions);
    const payloads = await Promise.all(
      channels.map(async (channel) => (Object.hasOwn(values, channel) ? dump(this.serde, values[channel]) : undefined)),
    );
    return new Map(channels.map((channel, at) => [channel, payloads[at]]));
  }

  /** Durable when it resolves. The first write of a channel by a task stands; of an error or interrupt, the last. */
  override async putWrites(
    config: RunnableConfig,
    writes: PendingWrite[],
    taskId: string,
    taskPath = "",
  ): Promise<void> {
    const [threadId, ns = "", checkpoint] = [
      mustHaveThreadId(config, "putWrites"),
      namespaceOf(config),
      checkpointIdOf(config),
    ];
    if (checkpoint === undefined)
      throw new DraftstateError("USAGE", 'putWrites needs a checkpoint: pass { configurable: { checkpoint_id: "…" } }');
    assertKey("task_id", taskId);
    const data = await Promise.all(writes.map(([, value]) => dump(this.serde, value)));
    await this.#thread(threadId).putWrites({
      ns,
      checkpoint,
      task: taskId,
      path: taskPath,
      writes: writes.flatMap(([channel], at) => {
        const payload = data[at];
        return payload === undefined ? [] : [{ idx: idxOf(channel, at), channel, data: payload }];
      }),
    });
    if (writes.some(([channel], at) => idxOf(channel, at) >= 0))
      this.#live.remove(this.#live.writtenBy(threadId, taskId));
  }

  /** For `callbacks` of any graph or model call: each streamed token goes to its thread's log. */
  tokens(options: TokenLogOptions = {}): TokenLog {
    return new TokenLog(this.manager.threads, this.#live, options);
  }

  /** Answers that no node has written, such as those of a process that was killed; the oldest first. */
  async partials(config: RunnableConfig): Promise<Partial[]> {
    return partialsOf(this.#thread(mustHaveThreadId(config, "partials")), namespaceOf(config));
  }

  /** As an interrupted message of the node that streamed it; gives the config of the new checkpoint. Throws `NOT_FOUND`, `USAGE`, `INVALID_STATE`. */
  async keepPartial(
    graph: KeepingGraph,
    config: RunnableConfig,
    partial: Pick<Partial, "number">,
    options: KeepOptions = {},
  ): Promise<RunnableConfig> {
    return keepPartial(this.#thread(mustHaveThreadId(config, "keepPartial")), graph, config, partial, options);
  }

  /** Durable when it resolves. */
  async dropPartial(config: RunnableConfig, partial: Pick<Partial, "number">): Promise<void> {
    await dropPartial(this.#thread(mustHaveThreadId(config, "dropPartial")), partial);
  }

  override async getDeltaChannelHistory({
    config,
    channels,
  }: {
    config: RunnableConfig;
    channels: string[];
  }): Promise<Record<string, DeltaChannelHistory>> {
    const [threadId, ns = "", id] = [threadIdOf(config), namespaceOf(config), checkpointIdOf(config)];
    if (channels.length === 0 || threadId === undefined) return {};
    return this.#thread(threadId).read((view) => deltaHistoryOf(view, this.serde, { ns, id, channels }));
  }

  /** To the trash; `undo` brings it back. */
  override async deleteThread(threadId: string): Promise<void> {
    await this.#thread(threadId).holding((held) => removeThread(held));
  }

  /**
   * Lets checkpoints go by the rules of backups; never the newest, and never what a later one is made of. They go to the
   * trash; `undo` brings them back.
   */
  async prune(threadId: string, policy: RetentionPolicy, options: PruneThreadOptions = {}): Promise<PruneThreadResult> {
    return this.#prune(threadId, byPolicy(policy, this.manager.store.now()), options);
  }

  /** The same for every thread; by their ids. */
  async pruneAll(policy: RetentionPolicy, options: PruneThreadOptions = {}): Promise<Map<string, PruneThreadResult>> {
    const results = new Map<string, PruneThreadResult>();
    for (const threadId of await this.manager.threads.ids())
      results.set(threadId, await this.prune(threadId, policy, options));
    return results;
  }

  /** Lets go what these runs have put, in every thread; what other runs are made of stays. */
  async deleteForRuns(
    runIds: readonly string[],
    options: PruneThreadOptions = {},
  ): Promise<Map<string, PruneThreadResult>> {
    const results = new Map<string, PruneThreadResult>();
    for (const threadId of await this.manager.threads.ids()) {
      const result = await this.#prune(threadId, withoutRuns(runIds), options);
      if (result.removed.length > 0) results.set(threadId, result);
    }
    return results;
  }

  async #prune(
    threadId: string,
    plan: PlanRemoval,
    { dryRun = false }: PruneThreadOptions,
  ): Promise<PruneThreadResult> {
    const thread = this.#thread(threadId);
    const looked = resultOf(await thread.read(plan));
    return dryRun || looked.removed.length === 0 ? looked : thread.exclusive((locked) => prune(locked, plan));
  }

  /** All checkpoints under another id. Throws `INVALID_ID` where it is taken, `NOT_FOUND` where there is nothing to copy. */
  async copyThread(from: string, to: string): Promise<void> {
    const source = this.#thread(from);
    await this.#thread(to).exclusive((locked) => copyInto(locked, source));
  }

  /** Takes back the last deletion, prune or repair of the thread. Throws `NOT_FOUND`, `STORAGE` where the thread exists again. */
  async undo(threadId: string): Promise<UndoneThreadChange> {
    return undoThread(this.manager.store, this.#thread(threadId));
  }

  /** Makes a damaged thread usable with what can be read of it; its files are copied to quarantine first. */
  async repair(threadId: string): Promise<RepairThreadResult> {
    return this.#thread(threadId).holding(repairThread);
  }

  /** Writes what waits and gives every lock back. A manager that was passed in is left to its owner. */
  async close(): Promise<void> {
    if (this.#ownsManager) await this.manager.close();
    else await this.manager.threads.release();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #thread(threadId: string): Thread {
    return this.manager.threads.get(threadId);
  }
}

function idxOf(channel: string, position: number): number {
  return Object.hasOwn(WRITES_IDX_MAP, channel) ? (WRITES_IDX_MAP[channel] ?? position) : position;
}

function versionsOf(versions: ChannelVersions): Map<string, ChannelVersion> {
  return new Map(Object.entries(versions));
}
