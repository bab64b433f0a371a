/**
 * The connection that holds this storage's advisory locks: one for all of them, so that they end with the process. It notices
 * a peer that vanished within half a minute, is not ended for being idle, and is refused behind a pooler that hands it to others.
 */
import { DraftstateError } from "../../errors.js";
import { isAway, SHARED_SESSIONS } from "./errors.js";
import type { PostgresClient } from "./pool.js";
import type { Server } from "./server.js";
import { statement, type Statement } from "./statement.js";

/** Of the session; a server that lacks one is left with its own way. */
const SETTINGS = statement(
  `select set_config(v.name, v.value, false) from (values
     ('tcp_keepalives_idle', '10'), ('tcp_keepalives_interval', '5'), ('tcp_keepalives_count', '3'),
     ('idle_session_timeout', '0'), ('application_name', 'draftstate locks')) v(name, value)
   join pg_settings s on s.name = v.name`,
);
const MARK = statement("select set_config('draftstate.session', $1, false)");
const READ_MARK = statement("select coalesce(current_setting('draftstate.session', true), '') as mark");
const POOLER_LOOKS = 3;

export interface LockSessionOptions {
  readonly server: Server;
  readonly randomName: () => string;
  /** On a new connection, before anything else: takes again what the last one had. */
  readonly opened: (client: PostgresClient) => Promise<void>;
  /** The connection ended, and its locks with it. */
  readonly lost: () => void;
}

export class LockSession {
  #opening: Promise<PostgresClient> | undefined;
  #client: PostgresClient | undefined;
  #last: Promise<void> = Promise.resolve();

  constructor(private readonly options: LockSessionOptions) {}

  /** With backoff while the server is away: only what may be done twice. */
  run<Row>(asked: Statement, values: readonly unknown[]): Promise<Row[]> {
    const { server } = this.options;
    return server.trying("lock", () => this.use((client) => server.on<Row>(client, asked, values)));
  }

  /** One attempt, after those before it have ended. A connection on which it fails for the connection's sake is given up. */
  use<T>(act: (client: PostgresClient) => Promise<T>): Promise<T> {
    const used = this.#last.then(() => this.#use(act));
    this.#last = used.then(nothing, nothing);
    return used;
  }

  async #use<T>(act: (client: PostgresClient) => Promise<T>): Promise<T> {
    const client = await this.#open();
    // Locks alone keep no process alive; what is asked of them does.
    client.ref?.();
    try {
      return await act(client);
    } catch (error) {
      if (isAway(error)) this.#drop(client);
      throw error;
    } finally {
      client.unref?.();
    }
  }

  close(): void {
    if (this.#client === undefined) return;
    const client = this.#client;
    this.#client = undefined;
    this.#opening = undefined;
    this.options.server.closeClient(client);
  }

  #open(): Promise<PostgresClient> {
    const opening = (this.#opening ??= this.#openNew());
    opening.catch(() => {
      if (this.#opening === opening) this.#opening = undefined;
    });
    return opening;
  }

  async #openNew(): Promise<PostgresClient> {
    const { server, opened } = this.options;
    const client = await server.openClient();
    try {
      const ended = (): void => {
        this.#drop(client);
      };
      client.on("error", ended);
      client.on("end", ended);
      await server.on(client, SETTINGS);
      await this.#refuseTransactionPooling(client);
      await opened(client);
      this.#client = client;
      return client;
    } catch (error) {
      server.closeClient(client);
      throw error;
    }
  }

  #drop(client: PostgresClient): void {
    if (this.#client !== client) return;
    this.close();
    this.options.lost();
  }

  /**
   * A mark on this session that another one sees, or that this one has lost, says that sessions are shared: a lock of one would
   * be a lock of all. Looked for while the other holds a transaction open, which keeps the shared session to it.
   */
  async #refuseTransactionPooling(client: PostgresClient): Promise<void> {
    const { server, randomName } = this.options;
    const mark = randomName();
    const read = async (from: PostgresClient): Promise<string> =>
      (await server.on<{ mark: string }>(from, READ_MARK))[0]?.mark ?? "";
    await server.on(client, MARK, [mark]);
    for (let look = 0; look < POOLER_LOOKS; look += 1) {
      const isShared = await server.withClient(async (other) => {
        await other.query({ text: "begin" });
        // In this order: where there is one session for both, the other has it now.
        const isSeen = (await read(other)) === mark;
        const isLost = !isSeen && (await read(client)) !== mark;
        await other.query({ text: "rollback" });
        return isSeen || isLost;
      });
      if (isShared)
        throw new DraftstateError("STORAGE", `${server.place} is behind ${SHARED_SESSIONS}`, { path: server.place });
    }
  }
}

function nothing(): void {
  // The outcome is the caller's.
}
