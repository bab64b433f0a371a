/** Ends the connection that holds a lock, and lets nobody take it for the holder's own afterwards: it is free. */
export async function breakLock(connectionString: string, schema: string, name: string): Promise<void> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  await client.query(
    `update ${schema}.locks set fence = nextval('${schema}.fences'), nonce = 'broken' where name = $1`,
    [name],
  );
  await client.query(
    `select pg_terminate_backend(p.pid, 5000) from pg_locks p join ${schema}.locks l on l.name = $1
     where p.locktype = 'advisory' and p.granted and ((p.classid::int8 << 32) | p.objid::int8) = l.key`,
    [name],
  );
  await client.end();
}

/** Locks that their holders lose, as when the server ends the holder's connection. */
import pg from "pg";
import type { PostgresServer } from "./server.js";

/** Resolves once the lock belongs to somebody else. What it gives ends that somebody. */
export async function takeLockAway(server: PostgresServer, schema: string, name: string): Promise<() => Promise<void>> {
  const client = await server.client();
  const [row] = await server.query<{ key: string }>(`select key from ${schema}.locks where name = $1`, [name]);
  const key = row?.key ?? "0";
  const [self] = (await client.query<{ pid: number }>("select pg_backend_pid() as pid")).rows;
  // It waits in line, so that the holder cannot come back first.
  const acquired = client.query("select pg_advisory_lock($1)", [key]);
  await server.query(
    `select pg_terminate_backend(pid) from pg_locks
     where locktype = 'advisory' and granted and ((classid::int8 << 32) | objid::int8) = $1::int8 and pid <> $2`,
    [key, self?.pid],
  );
  await acquired;
  await client.query(
    `update ${schema}.locks set fence = nextval('${schema}.fences'), nonce = 'another', holder = 'another' where name = $1`,
    [name],
  );
  return () => client.end();
}
