/**
 * Conversations that a save alone has opened: kept open while saves keep coming, let go of when none came for a while,
 * so that a program which only ever calls `saveState` neither pays for opening each time nor keeps a lock for ever.
 */
import type { Conversation } from "./conversation.js";

interface ImplicitHandle {
  readonly conversation: Promise<Conversation>;
  readonly users: Set<Promise<unknown>>;
  idle: NodeJS.Timeout | undefined;
}

/** Milliseconds without another save. */
const IDLE_RELEASE = 250;

export class ImplicitHandles {
  readonly #handles = new Map<string, ImplicitHandle>();

  constructor(private readonly open: (id: string, expect: "any" | "existing") => Promise<Conversation>) {}

  has(id: string): boolean {
    return this.#handles.has(id);
  }

  async use<T>(id: string, expect: "any" | "existing", act: (conversation: Conversation) => Promise<T>): Promise<T> {
    const handle = this.#handles.get(id) ?? this.#begin(id, expect);
    clearTimeout(handle.idle);
    const use = handle.conversation.then(act);
    handle.users.add(use);
    try {
      return await use;
    } finally {
      handle.users.delete(use);
      this.#releaseWhenIdle(id, handle);
    }
  }

  async release(id: string): Promise<void> {
    const handle = this.#handles.get(id);
    if (handle === undefined) return;
    clearTimeout(handle.idle);
    const conversation = await handle.conversation.catch(() => undefined);
    // A save that was not awaited has the handle until it is through.
    await Promise.allSettled(handle.users);
    try {
      await conversation?.close();
    } finally {
      this.#handles.delete(id);
    }
  }

  async releaseAll(): Promise<void> {
    for (const id of [...this.#handles.keys()]) await this.release(id);
  }

  #begin(id: string, expect: "any" | "existing"): ImplicitHandle {
    const conversation = this.open(id, expect);
    const handle: ImplicitHandle = { conversation, idle: undefined, users: new Set() };
    this.#handles.set(id, handle);
    conversation.catch(() => this.#handles.delete(id));
    return handle;
  }

  #releaseWhenIdle(id: string, handle: ImplicitHandle): void {
    if (handle.users.size > 0 || this.#handles.get(id) !== handle) return;
    clearTimeout(handle.idle);
    handle.idle = setTimeout(() => {
      void this.release(id).catch(() => undefined);
    }, IDLE_RELEASE);
  }
}
