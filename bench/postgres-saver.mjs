/**
 * What LangGraph asks of a checkpointer in a round of a conversation (the newest checkpoint, the question's checkpoint, the
 * node's writes, the answer's checkpoint), of DraftstateSaver on PostgreSQL and of PostgresSaver on the same server; one
 * thread, and several at once. `node bench/postgres-saver.mjs postgresql://user@host/database`, where schemas of its own are
 * made and dropped; needs a build.
 */
import { emptyCheckpoint, uuid6 } from "@langchain/langgraph-checkpoint";
import { PostgresSaver } from "@langchain/langgraph-checkpoint-postgres";
import pg from "pg";
import { DraftstateSaver } from "../dist/langgraph.js";
import { createPostgresStorage } from "../dist/postgres.js";

const [url] = process.argv.slice(2);
const [OURS, THEIRS] = ["draftstate_bench_saver", "draftstate_bench_theirs"];
const ROUNDS = 25;
const TURNS = 3;
const ANSWER = "x".repeat(400);

const pools = [new pg.Pool({ connectionString: url, max: 30 }), new pg.Pool({ connectionString: url, max: 30 })];
for (const schema of [OURS, THEIRS]) await pools[0].query(`drop schema if exists "${schema}" cascade`);

const storage = createPostgresStorage({ pool: pools[0], schema: OURS });
const ours = new DraftstateSaver({ storage, telemetry: false });
const theirs = new PostgresSaver(pools[1], undefined, { schema: THEIRS });
await theirs.setup();

/** Each round adds a question and an answer to the messages. */
async function round(saver, thread_id, number) {
  const config = { configurable: { thread_id, checkpoint_ns: "" } };
  const found = await saver.getTuple(config);
  const messages = [...(found?.checkpoint.channel_values.messages ?? [])];
  let at = found?.config ?? config;
  for (const [step, role] of ["user", "assistant"].entries()) {
    messages.push({ role, content: ANSWER });
    const version = 2 * number + step + 1;
    const checkpoint = {
      ...emptyCheckpoint(),
      id: uuid6(step),
      channel_values: { messages: [...messages] },
      channel_versions: { messages: version },
    };
    const metadata = { source: "loop", step: version, parents: {} };
    at = await saver.put(at, checkpoint, metadata, { messages: version });
    if (step === 0) await saver.putWrites(at, [["messages", { role: "assistant", content: ANSWER }]], `task-${number}`);
  }
}

let threads = 0;
async function roundsOf(saver, atOnce) {
  const names = Array.from({ length: atOnce }, () => `thread-${(threads += 1)}`);
  const began = performance.now();
  await Promise.all(
    names.map(async (name) => {
      for (let number = 0; number < ROUNDS; number += 1) await round(saver, name, number);
    }),
  );
  return (atOnce * ROUNDS * 1000) / (performance.now() - began);
}

for (const saver of [theirs, ours]) await roundsOf(saver, 1);
console.log(
  "| threads at once | PostgresSaver rounds/s | DraftstateSaver rounds/s | ratio |\n| --- | --- | --- | --- |",
);
for (const atOnce of [1, 8, 25]) {
  const turns = [];
  for (let turn = 0; turn < TURNS; turn += 1)
    turns.push([await roundsOf(theirs, atOnce), await roundsOf(ours, atOnce)]);
  const median = (of) =>
    turns
      .map(of)
      .sort((a, b) => a - b)
      [Math.floor(TURNS / 2)].toFixed(1);
  console.log(`| ${atOnce} | ${median(([a]) => a)} | ${median(([, b]) => b)} | ${median(([a, b]) => b / a)} |`);
}
await ours.close();
await storage.close();
for (const schema of [OURS, THEIRS]) await pools[1].query(`drop schema "${schema}" cascade`);
for (const pool of pools) await pool.end();
