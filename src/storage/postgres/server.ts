/**
 * The way to the server: statements over the pool, connections of their own, and trying again while the server is away. A
 * statement that changes something is tried again only by those who know how to look whether it was done.
 */
import { DraftstateError } from "../../errors.js";
import { withRetry, type RetryEvent, type RetryPolicy } from "../retry.js";
import { isAway, postgresError } from "./errors.js";
import type { PostgresClient, PostgresPool } from "./pool.js";
import { queryOf, type Statement } from "./statement.js";

export interface ServerOptions {
  readonly pool: PostgresPool;
  /** Whether the pool ends with the storage. */
  readonly ownsPool: boolean;
  /** Host, port, database and schema, for messages. */
  readonly place: string;
  readonly retry: RetryPolicy;
  /** Milliseconds for one statement. */
  readonly timeout: number;
}

export class Server {
  readonly #opened = new Set<PostgresClient>();
  /** Private to the language: the pool knows the password. */
  readonly #options: ServerOptions;
  readonly #retryListeners: ((event: RetryEvent) => void)[] = [];
  readonly #retry: RetryPolicy;
  #closed = false;

  constructor(options: ServerOptions) {
    this.#options = options;
    this.#retry = {
      ...options.retry,
      onRetry: (event) => {
        options.retry.onRetry(event);
        for (const listener of this.#retryListeners) listener(event);
      },
    };
    // An idle connection that ends is replaced at the next statement; without a listener it would end the process.
    options.pool.on("error", () => undefined);
  }

  get place(): string {
    return this.#options.place;
  }

  onRetry(listener: (event: RetryEvent) => void): void {
    this.#retryListeners.push(listener);
  }

  /** Of a connection that is opened again for as long as it takes. */
  tellRetry(event: RetryEvent): void {
    this.#retry.onRetry(event);
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  /** One statement that changes nothing, or what may be done twice. */
  read<Row>(statement: Statement, values: readonly unknown[] = []): Promise<Row[]> {
    return this.trying("read", () => this.once<Row>(statement, values));
  }

  /** One attempt at one statement, which is a transaction of its own. The error is the driver's. */
  async once<Row>(statement: Statement, values: readonly unknown[] = []): Promise<Row[]> {
    return this.withClient((client) => this.on<Row>(client, statement, values));
  }

  /** On a connection that was borrowed or opened. */
  async on<Row>(client: PostgresClient, statement: Statement, values: readonly unknown[] = []): Promise<Row[]> {
    return (await client.query(queryOf(statement, values, this.#options.timeout))).rows as Row[];
  }

  /** Borrows a connection from the pool; one on which anything failed is not used again. */
  async withClient<T>(act: (client: PostgresClient) => Promise<T>): Promise<T> {
    const client = await this.#connect();
    let broken = true;
    // Its queries reject; without a listener the event would end the process.
    client.on("error", ignore);
    try {
      const result = await act(client);
      broken = false;
      return result;
    } finally {
      client.removeListener("error", ignore);
      client.release(broken);
    }
  }

  /** With backoff while the server is away. What it rejects with is an error of ours. */
  async trying<T>(operation: string, act: (attempt: number) => Promise<T>): Promise<T> {
    try {
      return await withRetry(operation, this.#retry, act, (error) => !this.#closed && isAway(error));
    } catch (error) {
      throw postgresError(this.place, error);
    }
  }

  /** A connection for this caller alone, until `closeClient`. */
  async openClient(): Promise<PostgresClient> {
    const client = await this.#connect();
    this.#opened.add(client);
    return client;
  }

  closeClient(client: PostgresClient): void {
    if (this.#opened.delete(client)) client.release(true);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    for (const client of [...this.#opened]) this.closeClient(client);
    if (this.#options.ownsPool) await this.#options.pool.end();
  }

  #connect(): Promise<PostgresClient> {
    if (this.#closed) throw new DraftstateError("STORAGE", `${this.place}: the storage was closed`);
    return this.#options.pool.connect();
  }
}

function ignore(): void {
  // Told by the query.
}
