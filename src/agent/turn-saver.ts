/**
 * LangGraph's checkpoints of one turn, in memory. A turn's thread is never stored: where a turn stands is in its conversation,
 * which is durable before a step that depends on it begins, and a resumed turn begins its thread from there. So thread and
 * conversation cannot disagree, whatever a crash leaves. Values are kept as they are: nothing is serialised.
 */
import type { RunnableConfig } from "@langchain/core/runnables";
import {
  BaseCheckpointSaver,
  copyCheckpoint,
  type Checkpoint,
  type CheckpointMetadata,
  type CheckpointTuple,
} from "@langchain/langgraph/web";

/** Written at most once for each task; a later one replaces it. */
const SPECIAL = ["__error__", "__scheduled__", "__interrupt__", "__resume__"];

type Write = [channel: string, value: unknown];

interface Kept {
  readonly tuple: Omit<CheckpointTuple, "pendingWrites">;
  readonly writes: Map<string, [task: string, ...Write]>;
}

export class TurnSaver extends BaseCheckpointSaver {
  /** The last checkpoint of each namespace: none before it is asked for. */
  readonly #kept = new Map<string, Kept>();

  override getTuple(config: RunnableConfig): Promise<CheckpointTuple | undefined> {
    const kept = this.#kept.get(namespaceOf(config));
    return Promise.resolve(
      kept === undefined ? undefined : { ...kept.tuple, pendingWrites: [...kept.writes.values()] },
    );
  }

  override async *list(config: RunnableConfig): AsyncGenerator<CheckpointTuple> {
    const tuple = await this.getTuple(config);
    if (tuple !== undefined) yield tuple;
  }

  override put(config: RunnableConfig, checkpoint: Checkpoint, metadata: CheckpointMetadata): Promise<RunnableConfig> {
    const ns = namespaceOf(config);
    const at = {
      configurable: {
        thread_id: config.configurable?.["thread_id"] as unknown,
        checkpoint_ns: ns,
        checkpoint_id: checkpoint.id,
      },
    };
    this.#kept.set(ns, { tuple: { config: at, checkpoint: copyCheckpoint(checkpoint), metadata }, writes: new Map() });
    return Promise.resolve(at);
  }

  override putWrites(config: RunnableConfig, writes: Write[], task: string): Promise<void> {
    const kept = this.#kept.get(namespaceOf(config));
    for (const [index, [channel, value]] of writes.entries())
      kept?.writes.set(`${task} ${SPECIAL.includes(channel) ? channel : index}`, [task, channel, value]);
    return Promise.resolve();
  }

  override deleteThread(): Promise<void> {
    this.#kept.clear();
    return Promise.resolve();
  }
}

function namespaceOf(config: RunnableConfig): string {
  return String(config.configurable?.["checkpoint_ns"] ?? "");
}
