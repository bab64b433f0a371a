/** The one door to `pg`: a pool for a connection string, and where a pool leads. What it is given may hold a password, and is never told. */
import pg from "pg";
import { DraftstateError } from "../../errors.js";
import { passwordInFile, type ConnectionTarget } from "./password-file.js";
import type { PostgresPool } from "./pool.js";

const CONNECTIONS = 12;
const CONNECT_TIMEOUT = 10_000;
/** Milliseconds of silence after which a peer is asked whether it is still there. */
const KEEP_ALIVE = 10_000;
/** As libpq knows them, and `pg` does not: before the path, behind user and password; or as a parameter. */
const SEVERAL_HOSTS = /^\w+:\/\/(?:[^/?]*@)?[^@/?]*,[^@/?]*(?:[/?]|$)|[?&]host=[^&]*(?:,|%2c)/i;

/** Throws `INVALID_CONFIG`, without the URL. */
export function openPool(connectionString: string | undefined): PostgresPool {
  if (connectionString === undefined || !/^postgres(ql)?:\/\//.test(connectionString))
    throw new DraftstateError(
      "INVALID_CONFIG",
      "connectionString: expected postgresql://user@host:port/database, or give a pool",
    );
  if (SEVERAL_HOSTS.test(connectionString))
    throw new DraftstateError(
      "INVALID_CONFIG",
      "connectionString: it names several hosts: give the one address that always leads to the primary, such as a DNS name, a virtual IP, HAProxy or PgBouncer",
    );
  return new pg.Pool({
    connectionString,
    Client: ClientWithPasswordFile,
    max: CONNECTIONS,
    allowExitOnIdle: true,
    connectionTimeoutMillis: CONNECT_TIMEOUT,
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEP_ALIVE,
    application_name: "draftstate",
  });
}

/** Asks the password file itself where nothing else says the password: `pg` does too, with a warning each time. */
class ClientWithPasswordFile extends pg.Client {
  constructor(config?: pg.ClientConfig) {
    super(config);
    const given = this as { password?: unknown };
    if (given.password === null || given.password === undefined)
      given.password = (target: ConnectionTarget) => passwordInFile(target);
  }
}

/** Host, port and database, as `pg` understands what it is given and the environment. */
export function placeOf(pool: PostgresPool): string {
  const { host, port, database } = resolved(pool);
  const isSocket = host.startsWith("/");
  const name = isSocket ? encodeURIComponent(host) : host.toLowerCase();
  return `postgresql://${name.includes(":") ? `[${name}]` : name}:${port}/${encodeURIComponent(database ?? "")}`;
}

function resolved(pool: PostgresPool): {
  readonly host: string;
  readonly port: number;
  readonly database?: string | undefined;
} {
  try {
    return new pg.Client(pool.options);
  } catch (error) {
    // Its words may repeat what could not be understood, the password too.
    const code = error instanceof Error && "code" in error ? ` (${String(error.code)})` : "";
    throw new DraftstateError(
      "INVALID_CONFIG",
      `connectionString: it cannot be understood${code}: expected postgresql://user@host:port/database?sslmode=verify-full, special characters in it as %XX, and files named in it readable`,
    );
  }
}
