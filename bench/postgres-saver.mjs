/**
 * DraftstateSaver on PostgreSQL next to PostgresSaver on the same server, one thread and several at once, in turn:
 * - what LangGraph asks of a checkpointer in a round of a conversation (the newest checkpoint, the question's checkpoint, the
 *   node's writes, the answer's checkpoint), each awaited;
 * - `invoke` of a graph of two nodes with messages, with LangGraph's default durability, and the same without a server (MemorySaver):
 *   what LangGraph itself takes;
 * - the rounds once more with a network of a millisecond each way between the client and the server.
 * `node bench/postgres-saver.mjs postgresql://user@host/database`, where schemas of its own are made and dropped; needs a build.
 */
import { fork } from "node:child_process";
import { once } from "node:events";
import { loadavg } from "node:os";
import { AIMessage, HumanMessage } from "@langchain/core/messages";
import { END, MemorySaver, MessagesAnnotation, START, StateGraph } from "@langchain/langgraph";
import { emptyCheckpoint, uuid6 } from "@langchain/langgraph-checkpoint";
import { PostgresSaver } from "@langchain/langgraph-checkpoint-postgres";
import pg from "pg";
import { DraftstateSaver } from "../dist/langgraph.js";
import { createPostgresStorage } from "../dist/postgres.js";

const [url] = process.argv.slice(2);
const [OURS, THEIRS] = ["draftstate_bench_saver", "draftstate_bench_theirs"];
const ANSWER = "x".repeat(400);
const DELAY = 1;

let statements = 0;
function countingPool(connectionString) {
  const pool = new pg.Pool({ connectionString, max: 30 });
  pool.on("connect", (client) => {
    const query = client.query.bind(client);
    client.query = (...given) => {
      statements += 1;
      return query(...given);
    };
  });
  return pool;
}

/** Both savers on schemas of their own, and what ends them. */
async function savers(connectionString) {
  const pools = [countingPool(connectionString), countingPool(connectionString)];
  const drop = async () => {
    for (const schema of [OURS, THEIRS]) await pools[1].query(`drop schema if exists "${schema}" cascade`);
  };
  await drop();
  const storage = createPostgresStorage({ pool: pools[0], schema: OURS });
  const ours = new DraftstateSaver({ storage, telemetry: false });
  const theirs = new PostgresSaver(pools[1], undefined, { schema: THEIRS });
  await theirs.setup();
  const end = async () => {
    await ours.close();
    await storage.close();
    await drop();
    for (const pool of pools) await pool.end();
  };
  return { both: [theirs, ours], end };
}

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

const graphs = new Map();
function graphOf(checkpointer) {
  const graph = new StateGraph(MessagesAnnotation)
    .addNode("answer", () => ({ messages: [new AIMessage(ANSWER)] }))
    .addNode("check", () => ({ messages: [new AIMessage("Good.")] }))
    .addEdge(START, "answer")
    .addEdge("answer", "check")
    .addEdge("check", END)
    .compile({ checkpointer });
  graphs.set(checkpointer, graph);
  return graph;
}

async function invoke(saver, thread_id) {
  const graph = graphs.get(saver) ?? graphOf(saver);
  await graph.invoke({ messages: [new HumanMessage(ANSWER)] }, { configurable: { thread_id } });
}

let threads = 0;
async function turnOf(act, saver, { atOnce, rounds }) {
  const names = Array.from({ length: atOnce }, () => `thread-${(threads += 1)}`);
  const [began, before] = [performance.now(), statements];
  await Promise.all(
    names.map(async (name) => {
      for (let number = 0; number < rounds; number += 1) await act(saver, name, number);
    }),
  );
  const all = atOnce * rounds;
  return { rate: (all * 1000) / (performance.now() - began), statements: (statements - before) / all };
}

const median = (values) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)];

/** The first is what the second is compared with; of a third the rate alone is told. */
async function table(title, contenders, act, rows) {
  for (const saver of contenders) await turnOf(act, saver, { atOnce: 2, rounds: 2 });
  const names = contenders.map(({ constructor }) => constructor.name).join(" | ");
  console.log(`\n${title}, a second (statements for each)\n`);
  console.log(`| threads at once | ${names} | ratio |\n| --- |${" --- |".repeat(contenders.length + 1)}`);
  for (const row of rows) {
    const turns = [];
    for (let turn = 0; turn < row.turns; turn += 1) {
      const found = [];
      for (let at = 0; at < contenders.length; at += 1) {
        const turned = (at + turn) % contenders.length;
        found[turned] = await turnOf(act, contenders[turned], row);
      }
      turns.push(found);
    }
    const cells = contenders.map((_, at) => {
      const [rate, count] = ["rate", "statements"].map((what) => median(turns.map((found) => found[at][what])));
      return `${rate.toFixed(1)} (${count.toFixed(1)})`;
    });
    const ratio = median(turns.map(([theirs, ours]) => ours.rate / theirs.rate));
    console.log(`| ${row.atOnce} | ${cells.join(" | ")} | ${ratio.toFixed(1)} |`);
  }
}

/** What one commit and one round trip take: no saver does less than its commits, one after another. */
async function tellServer(connectionString) {
  const client = new pg.Client({ connectionString });
  await client.connect();
  const timed = async (text) => {
    const times = [];
    for (let time = 0; time < 40; time += 1) {
      const began = performance.now();
      await client.query({ name: text, text });
      times.push(performance.now() - began);
    }
    return median(times).toFixed(2);
  };
  await client.query("set synchronous_commit = on; drop table if exists draftstate_bench_commit");
  await client.query("create table draftstate_bench_commit (x int)");
  const insert = await timed("insert into draftstate_bench_commit values (1)");
  console.log(`A durable insert takes ${insert} ms, a round trip ${await timed("select 1")} ms (medians).`);
  await client.query("drop table draftstate_bench_commit");
  await client.end();
}

async function withDelay(act) {
  const { hostname, port } = new URL(url);
  const proxy = fork(new URL("delaying-proxy.mjs", import.meta.url), [hostname, port || "5432", String(DELAY)]);
  const [listening] = await once(proxy, "message");
  const delayed = new URL(url);
  delayed.host = `127.0.0.1:${listening}`;
  await act(delayed.href);
  proxy.kill();
}

const began = performance.now();
console.log(`Load of the machine: ${loadavg()[0].toFixed(1)}.`);
await tellServer(url);
const { both, end } = await savers(url);
await table("Rounds", both, round, [
  { atOnce: 1, rounds: 25, turns: 5 },
  { atOnce: 8, rounds: 25, turns: 3 },
  { atOnce: 25, rounds: 25, turns: 3 },
]);
await table("Invocations of a graph of two nodes", [...both, new MemorySaver()], invoke, [
  { atOnce: 1, rounds: 5, turns: 5 },
  { atOnce: 8, rounds: 5, turns: 3 },
  { atOnce: 25, rounds: 5, turns: 3 },
]);
await end();
await withDelay(async (delayed) => {
  console.log(`\nWith a network of ${DELAY} ms each way:`);
  await tellServer(delayed);
  const far = await savers(delayed);
  await table("Rounds", far.both, round, [
    { atOnce: 1, rounds: 15, turns: 3 },
    { atOnce: 8, rounds: 15, turns: 3 },
  ]);
  await far.end();
});
console.log(`\nLoad of the machine: ${loadavg()[0].toFixed(1)}; ${((performance.now() - began) / 1000).toFixed(0)} s.`);
