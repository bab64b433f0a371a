/**
 * What a manager is made of, each part when it is first used: a process that only reads makes and loads next to none.
 * Nothing is told before those who count are listening.
 */
import type { ManagerEnvironment } from "./session/open.js";
import { ConversationOpener } from "./session/open.js";
import { Fallback } from "./session/spill.js";
import { ManagerEmitter } from "./store/events.js";
import { Monitor, type LiveConversation } from "./metrics/monitor.js";
import { SaveCounter } from "./metrics/statistics.js";
import type { Settings } from "./store/settings.js";
import { Trash } from "./store/trash.js";

const DAY = 24 * 60 * 60 * 1000;

export interface PartsOptions {
  readonly environment: ManagerEnvironment;
  readonly settings: Settings;
  readonly live: () => Iterable<LiveConversation>;
  readonly ids: () => Promise<string[]>;
}

export class ManagerParts {
  /** For those who listen; whoever tells uses `events`. */
  readonly listeners = new ManagerEmitter();
  readonly fallback: Fallback | undefined;
  #watching: { readonly monitor: Monitor; readonly counter: SaveCounter } | undefined;
  #opener: ConversationOpener | undefined;
  #trash: Trash | undefined;

  constructor(private readonly options: PartsOptions) {
    const { environment, settings } = options;
    environment.onStorageRetry?.((event) => {
      this.events.emit("retry", event);
    });
    const { fallback, now } = environment;
    this.fallback = fallback === undefined ? undefined : new Fallback({ storage: fallback, directory: settings.fallbackDir ?? "", events: this.events, now });
  }

  get events(): ManagerEmitter {
    this.#watch();
    return this.listeners;
  }

  get monitor(): Monitor {
    return this.#watch().monitor;
  }

  get counter(): SaveCounter {
    return this.#watch().counter;
  }

  get opener(): ConversationOpener {
    const { environment, settings, ids } = this.options;
    this.#opener ??= new ConversationOpener({ environment, settings, events: this.events, fallback: this.fallback, ids });
    return this.#opener;
  }

  get trash(): Trash {
    const { environment, settings } = this.options;
    const { storage, now, random } = environment;
    this.#trash ??= new Trash({
      storage, now, random,
      keepFor: settings.trashDays * DAY,
      warn: (conversationId, message) => {
        this.events.emit("warning", { conversationId, message });
      },
    });
    return this.#trash;
  }

  /** Keeps what was counted. */
  async close(): Promise<void> {
    await this.#watching?.monitor.close();
  }

  #watch(): { readonly monitor: Monitor; readonly counter: SaveCounter } {
    if (this.#watching !== undefined) return this.#watching;
    const { environment, settings, live } = this.options;
    const monitor = new Monitor({ ...environment, events: this.listeners, settings, live });
    this.#watching = { monitor, counter: new SaveCounter(this.listeners, monitor.registry) };
    return this.#watching;
  }
}
