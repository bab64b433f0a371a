// The LangGraph checkpointer next to SqliteSaver: rounds, bytes, growth, and opening a long thread in a new process.
import { execFileSync } from "node:child_process";
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { SqliteSaver } from "@langchain/langgraph-checkpoint-sqlite";
import { emptyCheckpoint, uuid6 } from "@langchain/langgraph-checkpoint";
import { DraftstateSaver } from "../../dist/langgraph.js";
import { figure, medians, quantile, ratios, row, spread, takeTurns } from "../measure.mjs";

const CHILD = fileURLToPath(new URL("../saver-child.mjs", import.meta.url));
const BULK = 50_000;
const ROUNDS_A_SAMPLE = 20;

const draftstateIn = (directory, durability = "relaxed") =>
  new DraftstateSaver({
    stateDir: join(directory, "state"),
    backupDir: join(directory, "backup"),
    durability,
    telemetry: false,
  });
const sqliteIn = (directory) => SqliteSaver.fromConnString(join(directory, "threads.db"));

/** A line of checkpoints, each the child of the one before. */
class Line {
  #step = 0;
  #config = { configurable: { thread_id: "bench", checkpoint_ns: "" } };

  constructor(saver) {
    this.saver = saver;
  }

  async put(values, changed) {
    const step = (this.#step += 1);
    const versions = Object.fromEntries(Object.keys(values).map((name) => [name, changed.includes(name) ? step : 1]));
    const checkpoint = { ...emptyCheckpoint(), id: uuid6(step), channel_values: values, channel_versions: versions };
    const newVersions = Object.fromEntries(changed.map((name) => [name, step]));
    this.#config = await this.saver.put(this.#config, checkpoint, { source: "loop", step, parents: {} }, newVersions);
  }

  /** What LangGraph asks of a saver for a step. */
  async round(values, changed) {
    await this.put(values, changed);
    await this.saver.putWrites(this.#config, [["step", this.#step]], `task-${this.#step}`);
    await this.saver.getTuple(this.#config);
  }
}

const bulk = (step) => `${step} `.padEnd(BULK, "The quick brown fox jumps over the lazy dog. ");

async function lineOf(saver, checkpoints) {
  const line = new Line(saver);
  for (let step = 0; step < checkpoints; step += 1) await line.put({ step, bulk: bulk(step) }, ["step", "bulk"]);
  return line;
}

function bytesIn(directory) {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);
}

async function rounds({ scratch, rounds: count }, checkpoints) {
  const savers = {
    relaxed: draftstateIn(scratch.directory()),
    strict: draftstateIn(scratch.directory(), "strict"),
    SqliteSaver: sqliteIn(scratch.directory()),
  };
  const contenders = {};
  const cpu = { relaxed: [], strict: [], SqliteSaver: [] };
  for (const [name, saver] of Object.entries(savers)) {
    const line = await lineOf(saver, checkpoints);
    let step = 0;
    contenders[name] = async () => {
      const started = performance.now();
      const used = process.cpuUsage();
      for (let round = 0; round < ROUNDS_A_SAMPLE; round += 1) {
        step += 1;
        await line.round({ step, bulk: bulk(`round ${step}`) }, ["step", "bulk"]);
      }
      const { user, system } = process.cpuUsage(used);
      cpu[name].push((user + system) / 1000 / ROUNDS_A_SAMPLE);
      return (performance.now() - started) / ROUNDS_A_SAMPLE;
    };
  }
  const samples = await takeTurns(contenders, count);
  await savers.relaxed.close();
  await savers.strict.close();
  savers.SqliteSaver.db.close();
  const guarantee = "SqliteSaver and relaxed: written, not synced; strict: synced";
  const what = `put + putWrites + getTuple of a 50 KB channel, a thread of ${checkpoints} checkpoints`;
  const seen = medians(samples, "ms a round");
  return [
    row({
      id: `saver-rounds-${checkpoints}`,
      what: `${what}, relaxed`,
      guarantee,
      target: "≥ 1",
      against: "SqliteSaver",
      ratio: ratios(samples.SqliteSaver, samples.relaxed),
      seen,
    }),
    row({
      id: `saver-rounds-cpu-${checkpoints}`,
      what: "the same, time of the processor, which other work on the machine hardly changes",
      guarantee,
      against: "SqliteSaver",
      ratio: ratios(cpu.SqliteSaver, cpu.relaxed),
      seen: medians(cpu, "ms a round"),
    }),
    row({
      id: `saver-rounds-strict-${checkpoints}`,
      what: `${what}, strict`,
      guarantee,
      against: "SqliteSaver",
      ratio: ratios(samples.SqliteSaver, samples.strict),
    }),
  ];
}

async function unchanged({ scratch }) {
  const directory = scratch.directory();
  const saver = draftstateIn(directory);
  const line = new Line(saver);
  const text = bulk("same");
  await line.put({ step: 0, bulk: text }, ["step", "bulk"]);
  const before = bytesIn(join(directory, "state"));
  for (let step = 1; step <= 100; step += 1) await line.put({ step, bulk: text }, ["step"]);
  const each = (bytesIn(join(directory, "state")) - before) / 100;
  await saver.close();
  return row({
    id: "saver-unchanged",
    what: "bytes of a checkpoint whose 50 KB channel is unchanged",
    guarantee: "",
    target: "≤ 0.1",
    against: "a copy of the channel",
    ratio: spread([each / BULK]),
    seen: { "a checkpoint": `${Math.round(each)} B` },
  });
}

async function growing({ scratch, quick }) {
  const turns = quick ? 200 : 1000;
  const bytes = {};
  for (const [name, make] of Object.entries({ draftstate: draftstateIn, SqliteSaver: sqliteIn })) {
    const directory = scratch.directory();
    const saver = make(directory);
    const line = new Line(saver);
    const messages = [];
    for (let turn = 0; turn < turns; turn += 1) {
      messages.push({
        id: `m${turn}`,
        role: turn % 2 === 0 ? "user" : "assistant",
        content: `${turn} `.padEnd(200, "text "),
      });
      await line.put({ messages: [...messages] }, ["messages"]);
    }
    if (name === "draftstate") await saver.close();
    else saver.db.close();
    bytes[name] = bytesIn(directory);
  }
  return row({
    id: "saver-growing",
    what: `bytes of ${turns} turns of a growing list of messages of 200 characters`,
    guarantee: "on disk, closed",
    target: "≤ 0.05",
    against: "SqliteSaver",
    ratio: spread([bytes.draftstate / bytes.SqliteSaver]),
    seen: Object.fromEntries(Object.entries(bytes).map(([name, size]) => [name, `${(size / 1e6).toFixed(2)} MB`])),
  });
}

/** Windows of the same length, at the beginning and at the end of a long thread. */
async function flat({ scratch, quick }) {
  const most = quick ? 2000 : 10_000;
  const saver = draftstateIn(scratch.directory());
  const line = new Line(saver);
  const took = [];
  const text = "x".repeat(1000);
  for (let step = 1; step <= most; step += 1) {
    const started = performance.now();
    await line.put({ step, text: `${step}${text}` }, ["step", "text"]);
    took.push(performance.now() - started);
  }
  await saver.close();
  const around = (at) => quantile(took.slice(Math.max(10, at - 200), Math.max(10, at - 200) + 200), 0.5);
  const marks = [210, 1000, most];
  return row({
    id: "saver-flat",
    what: `a put at ${most.toLocaleString("en-US")} checkpoints, relaxed`,
    guarantee: "written, not synced",
    target: "≤ 1.25",
    against: "itself among the first 200 (medians of 200 puts)",
    ratio: spread([around(most) / around(210)]),
    seen: Object.fromEntries(marks.map((at) => [`at ${at}`, `${figure(around(at) * 1000)} µs`])),
  });
}

async function opening({ scratch, quick }) {
  const checkpoints = quick ? 2000 : 10_000;
  const samples = {};
  for (const [name, make] of Object.entries({ draftstate: draftstateIn, SqliteSaver: sqliteIn })) {
    const directory = scratch.directory();
    const saver = make(directory);
    const line = new Line(saver);
    for (let step = 1; step <= checkpoints; step += 1)
      await line.put({ step, text: `${step}`.padEnd(1000, "x") }, ["step", "text"]);
    if (name === "draftstate") await saver.close();
    else saver.db.close();
    samples[name] = Array.from({ length: 5 }, () =>
      Number(execFileSync(process.execPath, [CHILD, name, directory], { encoding: "utf8" })),
    );
  }
  return row({
    id: "saver-opening",
    what: `the newest checkpoint of a thread of ${checkpoints.toLocaleString("en-US")} with a 1 KB channel, in a new process`,
    guarantee: "every line checked (SqliteSaver: nothing)",
    against: "SqliteSaver, from its constructor to the tuple",
    ratio: ratios(samples.draftstate, samples.SqliteSaver),
    seen: medians(samples, "ms"),
  });
}

export async function saver(options) {
  return [
    ...(await rounds(options, 100)),
    ...(await rounds(options, 1000)),
    await unchanged(options),
    await growing(options),
    await flat(options),
    await opening(options),
  ];
}
