/**
 * Appends to a log in PostgreSQL against pgbench with the same insert on the same server, one client and many; and `ls`.
 * `node bench/postgres.mjs postgresql://user@host/database`, where a schema of its own is made and dropped; needs pgbench and a build.
 */
import { execFile } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import pg from "pg";
import { createPostgresStorage } from "../dist/postgres.js";

const [url] = process.argv.slice(2);
const SCHEMA = "draftstate_bench";
const SECONDS = 2;
const TURNS = 5;
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

/** Each client its own lock and its own log, as ours; a row only where the log ends with the row before it. */
async function pgbench(clients) {
  const [lock, log, entries] = ["locks", "parts", "entries"].map((name) => `"${SCHEMA}"."${name}"`);
  const all = "from generate_series(0, 99) i on conflict do nothing";
  await pool.query(`delete from ${log} where blob < 0`);
  await pool.query(
    `insert into ${lock} (name, key, fence, nonce, holder, since) select 'client' || i, i, i, 'n', 'pgbench', '' ${all}`,
  );
  await pool.query(
    `insert into ${entries} (area, name, version, blob, size, bytes, modified_at) select 'metrics', 'client' || i, 'v', -1 - i, 0, '', now() ${all}`,
  );
  const path = join(tmpdir(), "draftstate-bench.sql");
  const [isLast, isFirst] = [
    [log, "ends"],
    [entries, "size"],
  ].map(([table, end]) => `exists (select 1 from ${table} e where e.blob = -1 - :client_id and e.${end} = :begins)`);
  writeFileSync(
    path,
    `\\set begins :ends
\\set ends :ends + 100
with held as (select 1 from ${lock} where name = 'client' || :client_id and fence = :client_id and nonce = 'n' for share)
insert into ${log} (blob, ends, at, bytes) select -1 - :client_id, :ends, now(), '${"x".repeat(100)}' from held where ${isLast} or ${isFirst}
returning set_config('synchronous_commit', case current_setting('synchronous_commit') when 'remote_apply' then 'remote_apply' else 'on' end, true);\n`,
  );
  const args = ["-n", "-M", "prepared", "-f", path, "-c", clients, "-j", 2, "-T", SECONDS, "-D", "ends=0", url];
  const { stdout } = await promisify(execFile)("pgbench", args.map(String));
  rmSync(path);
  return Number(/tps = ([\d.]+)/.exec(stdout)?.[1]);
}

await pool.query(`drop schema if exists "${SCHEMA}" cascade`);
await storage.prepare();
const began = performance.now();
console.log(`Load of the machine: ${loadavg()[0].toFixed(1)}.\n`);
console.log("| clients | pgbench inserts/s | durable appends/s | ratio |\n| --- | --- | --- | --- |");
for (const clients of [1, 8, 25, 100]) {
  const turns = [];
  for (let turn = 0; turn < TURNS; turn += 1) {
    const found = [];
    for (const at of turn % 2 === 0 ? [0, 1] : [1, 0]) found[at] = await [pgbench, ours][at](clients);
    turns.push(found);
  }
  const median = (of) => turns.map(of).sort((a, b) => a - b)[Math.floor(TURNS / 2)];
  const [theirs, own, ratio] = [median(([a]) => a), median(([, b]) => b), median(([a, b]) => b / a)];
  console.log(`| ${clients} | ${theirs.toFixed(0)} | ${own.toFixed(0)} | ${ratio.toFixed(2)} |`);
}
console.log(`\nLoad of the machine: ${loadavg()[0].toFixed(1)}; ${((performance.now() - began) / 1000).toFixed(0)} s.`);
await pool.query(`drop schema "${SCHEMA}" cascade`);
await storage.close();
await pool.end();
