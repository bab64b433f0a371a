// Measures every row, prints the tables, and with --keep writes results.json and the tables in README.md. --quick measures
// less and compares its ratios with those kept; `node run.mjs load verify` measures the rooms whose names are given.
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { cpus, release, totalmem, type } from "node:os";
import { fileURLToPath } from "node:url";
import { figure } from "./measure.mjs";
import { commands, timer } from "./rows/commands.mjs";
import { groupCommit, snapshotAfterOneChange, wholeTurn } from "./rows/disk.mjs";
import { memory } from "./rows/memory.mjs";
import { loading, manyConversations } from "./rows/reading.mjs";
import { saver } from "./rows/saver.mjs";
import { scale } from "./rows/scale.mjs";
import {
  bytesPerToken,
  eventLoopTime,
  tokenCostAsItGrows,
  tokensWithoutSync,
  tokensWithSync,
} from "./rows/streaming.mjs";
import { Scratch } from "./work.mjs";

const ROOMS = {
  tokens: tokensWithoutSync,
  growth: tokenCostAsItGrows,
  loop: eventLoopTime,
  synced: tokensWithSync,
  group: groupCommit,
  bytes: bytesPerToken,
  turn: wholeTurn,
  load: loading,
  snapshot: snapshotAfterOneChange,
  many: manyConversations,
  saver,
  scale,
  memory,
  commands,
};
const RESULTS = new URL("results.json", import.meta.url);
const README = new URL("README.md", import.meta.url);
/** A ratio this much worse than the kept one is worth a look; less is noise. */
const REGRESSION = 1.5;

/** Given to the process that measures one. */
const ROOM = "--room=";

const words = process.argv.slice(2);
const quick = words.includes("--quick");
const chosen = words.filter((word) => !word.startsWith("--"));

function versionOf(name) {
  const places = [`./node_modules/${name}/package.json`, `../node_modules/${name}/package.json`];
  for (const place of places) {
    try {
      return JSON.parse(readFileSync(new URL(place, import.meta.url), "utf8")).version;
    } catch {
      // In the other place, then.
    }
  }
  return "?";
}

function machine() {
  const peers = [
    "better-sqlite3",
    "write-file-atomic",
    "lowdb",
    "@langchain/langgraph-checkpoint-sqlite",
    "@langchain/langgraph",
    "immer",
  ];
  return {
    at: new Date().toISOString().slice(0, 10),
    cpu: `${cpus().length} × ${cpus()[0]?.model.trim() ?? "?"}`,
    memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
    system: `${type()} ${release()}`,
    node: process.version,
    versions: Object.fromEntries(peers.map((name) => [name, versionOf(name)])),
    commandsTimedBy: timer,
  };
}

function verdict({ met }) {
  return met === undefined ? "" : met ? "met" : "**missed**";
}

function table(rows) {
  const lines = rows.map((each) => {
    const { median, low, high } = each.ratio;
    const seen = Object.entries(each.seen)
      .map(([name, value]) => `${name} ${value}`)
      .join(" · ");
    return `| ${each.what} | ${each.against} | ${each.guarantee} | ${each.target} | ${figure(median)} (${figure(low)} to ${figure(high)}) | ${verdict(each)} | ${seen} |`;
  });
  return [
    "| what | against | guarantee | target | ratio, median (quartiles) | | medians |",
    "| --- | --- | --- | --- | --- | --- | --- |",
    ...lines,
  ].join("\n");
}

function describe(kept) {
  const versions = Object.entries(kept.machine.versions)
    .map(([name, version]) => `${name} ${version}`)
    .join(", ");
  const { at, cpu, memory: ram, system, node, commandsTimedBy } = kept.machine;
  return `Measured ${at} on ${cpu}, ${ram}, ${system}, Node.js ${node}; ${versions}. Commands timed by ${commandsTimedBy}.\n\n${table(kept.rows)}`;
}

function keep(kept) {
  writeFileSync(RESULTS, `${JSON.stringify(kept, null, 2)}\n`);
  const text = readFileSync(README, "utf8");
  writeFileSync(
    README,
    text.replace(
      /(<!-- results -->\n)[^]*(\n<!-- end of results -->)/,
      (_, start, end) => `${start}${describe(kept)}${end}`,
    ),
  );
}

/** Whether less is better is told by the target's sign. */
function regressions(rows, before) {
  return rows.flatMap((each) => {
    const old = before.rows.find(({ id }) => id === each.id);
    if (old === undefined || each.target === "") return [];
    const worse = each.target.startsWith("≤")
      ? each.ratio.median / old.ratio.median
      : old.ratio.median / each.ratio.median;
    return worse > REGRESSION
      ? [`${each.what}: ratio ${figure(each.ratio.median)}, kept ${figure(old.ratio.median)}`]
      : [];
  });
}

function readKept() {
  try {
    return JSON.parse(readFileSync(RESULTS, "utf8"));
  } catch {
    return undefined;
  }
}

/** In this process, which does nothing else. */
async function measureRoom(name) {
  const scratch = new Scratch();
  try {
    return await ROOMS[name]({ scratch, quick, rounds: quick ? 3 : 9, count: quick ? 1000 : 10_000 });
  } finally {
    scratch.remove();
  }
}

/** Each room in a process of its own: what one leaves in memory must not slow the next. */
function measure() {
  const names = Object.keys(ROOMS).filter((name) => chosen.length === 0 || chosen.includes(name));
  return names.flatMap((name) => {
    process.stderr.write(`${name} …\n`);
    const { status, stdout } = spawnSync(
      process.execPath,
      [fileURLToPath(import.meta.url), ROOM + name, ...(quick ? ["--quick"] : [])],
      { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"], maxBuffer: 2 ** 26 },
    );
    if (status !== 0) throw new Error(`${name} ended with ${status}`);
    return JSON.parse(stdout);
  });
}

function report() {
  const before = readKept();
  const rows = measure();
  process.stdout.write(`${describe({ machine: machine(), rows })}\n`);
  if (words.includes("--keep")) keep({ machine: machine(), rows });
  else if (before !== undefined) {
    const found = regressions(rows, before);
    for (const line of found) process.stderr.write(`warning: worse than kept: ${line}\n`);
    if (found.length === 0) process.stderr.write("no ratio is worse than the kept one by more than half\n");
  }
}

const room = words.find((word) => word.startsWith(ROOM))?.slice(ROOM.length);
if (room === undefined) report();
else process.stdout.write(JSON.stringify(await measureRoom(room)));
