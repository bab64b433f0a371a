/** Takes a lock from its holder as another process does whose turn comes when the server ends the holder's connection. */
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
