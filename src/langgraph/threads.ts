/**
 * The threads of a LangGraph API server (`createEmbedServer` of `@langchain/langgraph-api`): what the server keeps of a thread
 * beside its checkpoints, each in a namespace of its own, so that servers never wait for each other's threads.
 */
import { DraftstateError } from "../errors.js";
import type { Items, StoredItem } from "../items/item.js";
import { freezeJson, isJsonObject, jsonEqual, ownValue, type Json, type JsonObject } from "../model/json.js";
import { Namespaces } from "../namespaces/namespaces.js";
import { mapAtOnce } from "../store/map-at-once.js";
import { assertThreadId } from "../threads/threads.js";
import type { DraftstateSaver } from "./saver.js";

export interface ServerThread {
  readonly thread_id: string;
  readonly metadata: Record<string, unknown>;
  /** ISO 8601. */
  readonly created_at: string;
  readonly updated_at: string;
}

export interface SetThreadOptions {
  /** `put` replaces the metadata, `patch` adds to it. */
  readonly kind: "put" | "patch";
  readonly metadata?: Readonly<Record<string, unknown>> | null | undefined;
}

export interface SearchThreadsOptions {
  /** What a thread's metadata must hold. */
  readonly metadata?: Readonly<Record<string, unknown>> | null | undefined;
  readonly limit: number;
  readonly offset: number;
  readonly sortBy: "created_at" | "updated_at";
  readonly sortOrder: "asc" | "desc";
}

/** No namespace of a program begins with an empty label. */
const ROOT = ["", "threads"];
const KEY = "metadata";
const AT_ONCE = 16;

/** Has the answer of a server in it, as Hono takes it. */
class ThreadNotFound extends DraftstateError {
  constructor(threadId: string) {
    super("NOT_FOUND", `there is no thread ${JSON.stringify(threadId)}`);
  }

  getResponse(): Response {
    return Response.json({ error: this.message }, { status: 404 });
  }
}

export class DraftstateThreads {
  readonly #namespaces: Namespaces;

  /** Over the saver that the server has as its checkpointer. */
  constructor(private readonly saver: DraftstateSaver) {
    this.#namespaces = new Namespaces(saver.manager.store);
    saver.manager.closesWith(this.#namespaces);
  }

  /** Also one that a graph made without the server. Throws `NOT_FOUND`, which the server answers with 404. */
  async get(threadId: string): Promise<ServerThread> {
    assertThreadId(threadId);
    const known = (await this.#namespaces.get(labelsOf(threadId)).items()).get(KEY);
    if (known !== undefined) return threadOf(threadId, known);
    const tuple = await this.saver.getTuple({ configurable: { thread_id: threadId } });
    if (tuple === undefined) throw new ThreadNotFound(threadId);
    const { ts } = tuple.checkpoint;
    const graph = (tuple.metadata as Readonly<Record<string, unknown>> | undefined)?.["graph_id"];
    const metadata = typeof graph === "string" ? { graph_id: graph, assistant_id: graph } : {};
    return { thread_id: threadId, metadata, created_at: ts, updated_at: ts };
  }

  /** Durable when it resolves. */
  async set(threadId: string, { kind, metadata }: SetThreadOptions): Promise<ServerThread> {
    assertThreadId(threadId);
    const given = freezeJson(metadata ?? {});
    if (!isJsonObject(given)) throw new DraftstateError("INVALID_STATE", "a thread's metadata must be an object");
    const namespace = this.#namespaces.get(labelsOf(threadId));
    await namespace.write((items) => {
      const before = kind === "put" ? {} : metadataIn(items);
      return [{ kind: "put", key: KEY, value: { ...before, ...given } }];
    });
    return this.get(threadId);
  }

  /** Its checkpoints go to the trash: `saver.undo` brings them back. */
  async delete(threadId: string): Promise<void> {
    await this.get(threadId);
    await this.saver.deleteThread(threadId);
    await this.#namespaces.get(labelsOf(threadId)).write([{ kind: "delete", key: KEY }]);
  }

  /** Those that the server made, a page of them; each with how many there are. */
  async *search(options: SearchThreadsOptions): AsyncGenerator<{ thread: ServerThread; total: number }> {
    const { metadata, limit, offset, sortBy, sortOrder } = options;
    const wanted = Object.entries(metadata ?? {});
    const all = await mapAtOnce(await this.#namespaces.below(ROOT), AT_ONCE, async (labels) => {
      const item = (await this.#namespaces.get(labels).items()).get(KEY);
      return item === undefined ? [] : [threadOf(labels.slice(ROOT.length).join("."), item)];
    });
    const found = all
      .flat()
      .filter((thread) => wanted.every(([name, value]) => holds(thread.metadata, name, value)))
      .sort((left, right) => (left[sortBy] < right[sortBy] ? -1 : Number(left[sortBy] > right[sortBy])));
    if (sortOrder === "desc") found.reverse();
    for (const thread of found.slice(offset, offset + limit)) yield { thread, total: found.length };
  }
}

/** As its file names them: an id may hold dots. */
function labelsOf(threadId: string): string[] {
  return [...ROOT, ...threadId.split(".")];
}

function metadataIn(items: Items): JsonObject {
  return items.get(KEY)?.value ?? {};
}

function holds(metadata: Readonly<Record<string, unknown>>, name: string, value: unknown): boolean {
  return jsonEqual(ownValue(metadata as JsonObject, name), value as Json);
}

function threadOf(threadId: string, { value, createdAt, updatedAt }: StoredItem): ServerThread {
  return {
    thread_id: threadId,
    metadata: structuredClone(value),
    created_at: new Date(createdAt).toISOString(),
    updated_at: new Date(updatedAt).toISOString(),
  };
}
