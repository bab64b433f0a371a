/**
 * The entry `draftstate/postgres`: a store in a PostgreSQL database, for agents on several machines. `pg` is needed where a
 * connection string is given; a pool of the caller's own is used as it is, and stays open when the storage closes.
 */
import { randomBytes } from "node:crypto";
import { DraftstateError } from "../../errors.js";
import type { RetryPolicy } from "../retry.js";
import { holderOfThisProcess } from "./holder.js";
import { openPool, placeOf } from "./open-pool.js";
import type { PostgresPool } from "./pool.js";
import { PostgresStorage } from "./postgres-storage.js";
import { Server } from "./server.js";
import { assertSchemaName } from "./tables.js";

export type { PostgresClient, PostgresNotification, PostgresPool, PostgresQuery } from "./pool.js";
export { PostgresStorage } from "./postgres-storage.js";

export interface PostgresStorageOptions {
  /** `postgresql://user@host:5432/database?sslmode=verify-full`; the password from it, PGPASSWORD or .pgpass. */
  readonly connectionString?: string;
  /** A `pg.Pool` instead; at least three connections. */
  readonly pool?: PostgresPool;
  /** Where the tables are; `draftstate` where it is left out. */
  readonly schema?: string;
  /** What this process calls itself in its locks, for people. */
  readonly command?: string;
  /** How often what can pass is tried again; five times within three seconds where it is left out. */
  readonly retry?: RetryPolicy;
  /** Milliseconds after which a statement is given up as lost; 30 seconds where it is left out. */
  readonly statementTimeout?: number;
}

const DEFAULT_RETRY: RetryPolicy = { attempts: 5, delay: 100, random: Math.random, onRetry: () => undefined };
/** One for locks, one for watching, one for work. */
const FEWEST_CONNECTIONS = 3;

/** Throws `INVALID_CONFIG`. Connects when something is first asked of it. */
export function createPostgresStorage(options: PostgresStorageOptions): PostgresStorage {
  const { schema = "draftstate", command = "node", retry = DEFAULT_RETRY, statementTimeout = 30_000 } = options;
  assertSchemaName(schema);
  const pool = options.pool ?? openPool(options.connectionString);
  if ((pool.options.max ?? FEWEST_CONNECTIONS) < FEWEST_CONNECTIONS)
    throw new DraftstateError("INVALID_CONFIG", `pool: at least ${FEWEST_CONNECTIONS} connections are needed`);
  const server = new Server({
    pool,
    ownsPool: options.pool === undefined,
    place: `${placeOf(pool)}/${schema}`,
    retry,
    timeout: statementTimeout,
  });
  return new PostgresStorage({
    server,
    schema,
    randomName: () => randomBytes(8).toString("hex"),
    random: retry.random,
    now: () => new Date(),
    holder: holderOfThisProcess(command),
  });
}
