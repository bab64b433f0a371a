/**
 * Hints of what changed, through LISTEN and NOTIFY. They are sent beside the changes, never within them: a transaction that
 * notifies commits alone on the whole server, so no batch could share a sync. A hint may come late, twice or for nothing, and
 * a watcher whose connection was cut looks at the tables: a listener that is told of a name looks itself.
 */
import { setTimeout as delay } from "node:timers/promises";
import { AREAS, type Area, type Change, type Key, type Watcher } from "../storage.js";
import { synced } from "./outcomes.js";
import type { PostgresClient } from "./pool.js";
import type { Server } from "./server.js";
import { statement, type Statement } from "./statement.js";
import type { Tables } from "./tables.js";

/** Milliseconds between two statements of one process that tell of changes: what changes meanwhile is told together. */
const GAP = 50;
const FIRST_PAUSE = 50;
const LONGEST_PAUSE = 5000;

export class Notifier {
  readonly #statement: Statement;
  #waiting = new Set<string>();
  #sending: Promise<void> | undefined;
  #closing = new AbortController();

  constructor(
    private readonly server: Server,
    tables: Tables,
  ) {
    this.#statement = statement(
      `select pg_notify('${tables.channel}', k.payload), ${synced("off")} as durability from unnest($1::text[]) k(payload)`,
    );
  }

  changed(key: Key): void {
    this.#waiting.add(`${key.area}/${key.name}`);
    this.#sending ??= this.#send().finally(() => {
      this.#sending = undefined;
    });
  }

  /** What was to be told is told, or the server is away. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#sending;
  }

  async #send(): Promise<void> {
    const { signal } = this.#closing;
    while (this.#waiting.size > 0) {
      const payloads = [...this.#waiting];
      this.#waiting = new Set();
      await this.server.once(this.#statement, [payloads]).catch(() => undefined);
      await delay(GAP, undefined, { signal, ref: false }).catch(() => undefined);
    }
  }
}

export interface WatchOptions {
  readonly server: Server;
  readonly channel: string;
  readonly area: Area;
  readonly listener: (change: Change) => void;
  /** The names that are there. */
  readonly list: () => Promise<string[]>;
  readonly random: () => number;
}

class Watching implements Watcher {
  readonly #closing = new AbortController();
  readonly #known = new Set<string>();
  #client: PostgresClient | undefined;
  #again: Promise<void> | undefined;

  constructor(private readonly options: WatchOptions) {}

  async begin(): Promise<void> {
    await this.options.server.trying("watch", () => this.#listen());
    for (const name of await this.options.list()) this.#known.add(name);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    const client = this.#client;
    this.#client = undefined;
    if (client !== undefined) this.options.server.closeClient(client);
    await this.#again;
  }

  async #listen(): Promise<void> {
    const { server, channel } = this.options;
    const client = await server.openClient();
    const ended = (): void => {
      this.#ended(client);
    };
    client.on("error", ended);
    client.on("end", ended);
    client.on("notification", ({ payload = "" }) => {
      this.#notified(payload);
    });
    try {
      await client.query({ text: `listen "${channel}"` });
    } catch (error) {
      server.closeClient(client);
      throw error;
    }
    if (this.#closing.signal.aborted) server.closeClient(client);
    else this.#client = client;
  }

  #notified(payload: string): void {
    const slash = payload.indexOf("/");
    const area = AREAS.find((each) => each === payload.slice(0, slash));
    if (area === this.options.area) this.#tell(payload.slice(slash + 1));
  }

  #tell(name: string): void {
    if (this.#closing.signal.aborted) return;
    this.#known.add(name);
    this.options.listener({ key: { area: this.options.area, name } });
  }

  #ended(client: PostgresClient): void {
    if (this.#client !== client) return;
    this.#client = undefined;
    this.options.server.closeClient(client);
    this.#again ??= this.#listenAgain().finally(() => {
      this.#again = undefined;
    });
  }

  /** What came and what went meanwhile is told by a look at all names. */
  async #listenAgain(): Promise<void> {
    const { random, list } = this.options;
    const { signal } = this.#closing;
    let pause = FIRST_PAUSE;
    for (let attempt = 1; !signal.aborted; attempt += 1) {
      try {
        if (this.#client === undefined) await this.#listen();
        const before = [...this.#known];
        const there = await list();
        for (const name of new Set([...there, ...before])) this.#tell(name);
        return;
      } catch (error) {
        this.options.server.tellRetry({ operation: "watch", attempt, delayMs: pause, error });
        await delay(pause * (0.5 + random() / 2), undefined, { signal }).catch(() => undefined);
        pause = Math.min(LONGEST_PAUSE, pause * 2);
      }
    }
  }
}

export async function watchArea(options: WatchOptions): Promise<Watcher> {
  const watching = new Watching(options);
  await watching.begin();
  return watching;
}
