/**
 * Appends to a log in PostgreSQL against pgbench with the same insert on the same server, one client and many; and `ls`.
 * `node bench/postgres.mjs postgresql://user@host/database`, where a schema of its own is made and dropped; needs pgbench and a build.
 */
import { execFile } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import pg from "pg";
import { createPostgresStorage } from "../dist/postgres.js";

const [url] = process.argv.slice(2);
const SCHEMA = "draftstate_bench";
const SECONDS = 5;
const TOKEN = Buffer.from("x".repeat(100));

const pool = new pg.Pool({ connectionString: url, max: 30 });
const storage = createPostgresStorage({ pool, schema: SCHEMA });

async function logs(count) {
  return Promise.all(
    Array.from({ length: count }, async (_, index) => {
      const { lock } = await storage.tryLock(`bench-${index}`, new Date());
      return { lock, log: await storage.createLog({ area: "state", name: `bench-${index}.journal` }, TOKEN, lock) };
    }),
  );
}

async function ours(clients) {
  const opened = await logs(clients);
  const end = performance.now() + SECONDS * 1000;
  const counts = await Promise.all(
    opened.map(async ({ log }) => {
      let appends = 0;
      for (; performance.now() < end; appends += 1) await log.appendDurably(TOKEN);
      return appends;
    }),
  );
  for (const { log, lock } of opened) {
    await log.close();
    await lock.release();
  }
  return counts.reduce((sum, count) => sum + count, 0) / SECONDS;
}

/** Each client its own lock and its own log, as ours. */
async function pgbench(clients) {
  const [lock, log] = [`"${SCHEMA}"."locks"`, `"${SCHEMA}"."parts"`];
  await pool.query(`create sequence if not exists "${SCHEMA}".bench_ends`);
  await pool.query(
    `insert into ${lock} (name, key, fence, nonce, holder, since) select 'client' || i, i, i, 'n', 'pgbench', '' from generate_series(0, 99) i on conflict do nothing`,
  );
  const path = join(tmpdir(), "draftstate-bench.sql");
  writeFileSync(
    path,
    `with held as (select 1 from ${lock} where name = 'client' || :client_id and fence = :client_id and nonce = 'n' for share)
insert into ${log} (blob, ends, at, bytes) select -1 - :client_id, nextval('"${SCHEMA}".bench_ends'), now(), '${"x".repeat(100)}' from held
returning set_config('synchronous_commit', case current_setting('synchronous_commit') when 'remote_apply' then 'remote_apply' else 'on' end, true);\n`,
  );
  const args = ["-n", "-M", "prepared", "-f", path, "-c", String(clients), "-j", "2", "-T", String(SECONDS), url];
  const { stdout } = await promisify(execFile)("pgbench", args);
  rmSync(path);
  return Number(/tps = ([\d.]+)/.exec(stdout)?.[1]);
}

await pool.query(`drop schema if exists "${SCHEMA}" cascade`);
await storage.prepare();
console.log("| clients | pgbench inserts/s | durable appends/s | ratio |\n| --- | --- | --- | --- |");
for (const clients of [1, 8, 25]) {
  const rounds = [];
  for (let round = 0; round < 3; round += 1) rounds.push([await pgbench(clients), await ours(clients)]);
  const [theirs, own] = [0, 1].map((at) => rounds.map((each) => each[at]).sort((a, b) => a - b)[1]);
  console.log(`| ${clients} | ${theirs.toFixed(0)} | ${own.toFixed(0)} | ${(own / theirs).toFixed(2)} |`);
}
await pool.query(`drop schema "${SCHEMA}" cascade`);
await storage.close();
await pool.end();
