/**
 * What is needed of `pg`, in words of our own: types that compile without it, and that a `pg.Pool` satisfies. `pg` itself is
 * loaded only where a connection string is given.
 */
export interface PostgresQuery {
  readonly text: string;
  readonly values?: unknown[];
  readonly name?: string;
  readonly types?: { readonly getTypeParser: (oid: number, format?: string) => (value: never) => unknown };
  /** Milliseconds after which the connection is given up. */
  readonly query_timeout?: number;
}

export interface PostgresNotification {
  readonly channel: string;
  readonly payload?: string | undefined;
}

export interface PostgresClient {
  query(query: PostgresQuery): Promise<{ readonly rows: unknown[] }>;
  release(destroy?: boolean): void;
  on(event: "notification", listener: (notification: PostgresNotification) => void): unknown;
  on(event: "error", listener: (error: Error) => void): unknown;
  on(event: "end", listener: () => void): unknown;
  removeListener(event: "error", listener: (error: Error) => void): unknown;
  /** Where there are: whether the connection keeps the process alive. */
  ref?(): void;
  unref?(): void;
}

export interface PostgresPool {
  connect(): Promise<PostgresClient>;
  on(event: "error", listener: (error: Error) => void): unknown;
  end(): Promise<void>;
  readonly options: {
    readonly max?: number | undefined;
    readonly connectionString?: string | undefined;
    readonly host?: string | undefined;
    readonly port?: number | undefined;
    readonly database?: string | undefined;
  };
}
