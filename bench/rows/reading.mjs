// The way back: loading, lists, checks.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFileSync, mkdirSync, readdirSync, readFileSync, statSync } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { medians, ratios, row, takeTurns, timed } from "../measure.mjs";
import { conversationWith, managerIn } from "../ours.mjs";
import { stateOf, TOKENS } from "../work.mjs";
import { writeSnapshots } from "../many.mjs";

export async function loading({ scratch, rounds }) {
  const directory = scratch.directory();
  const { manager, conversation } = await conversationWith(stateOf(10_000), directory, { maxBackups: 0 });
  for (const token of TOKENS.slice(0, 300)) {
    conversation.appendToken(token);
    await conversation.flush();
  }
  // As a killed process leaves it: without its last snapshot.
  const left = scratch.directory();
  mkdirSync(join(left, "state"));
  for (const name of ["bench.json", "bench.journal"])
    copyFileSync(join(directory, "state", name), join(left, "state", name));
  await manager.close();
  const reader = managerIn(left);
  const file = join(left, "state", "bench.json");
  const text = readFileSync(file, "utf8");
  const samples = await takeTurns(
    {
      draftstate: () => timed(() => reader.loadState("bench")),
      "read and JSON.parse": () => timed(() => JSON.parse(readFileSync(file, "utf8"))),
      "JSON.parse of text in memory": () => timed(() => JSON.parse(text)),
    },
    rounds * 2,
  );
  const common = {
    guarantee: "checked: SHA-256, each record's CRC, limits; frozen (JSON.parse: nothing)",
    seen: medians(samples, "ms"),
  };
  return [
    row({
      ...common,
      id: "load",
      what: "loading snapshot + 300 records, N = 10,000",
      target: "≤ 1.5",
      against: "reading and JSON.parse of the bare snapshot",
      ratio: ratios(samples.draftstate, samples["read and JSON.parse"]),
    }),
    row({
      ...common,
      id: "load-parse",
      what: "the same",
      against: "JSON.parse alone, of a text in memory",
      ratio: ratios(samples.draftstate, samples["JSON.parse of text in memory"]),
    }),
  ];
}

async function statAll(directory) {
  const names = await readdir(directory);
  for (let start = 0; start < names.length; start += 32)
    await Promise.all(names.slice(start, start + 32).map((name) => stat(join(directory, name))));
}

const PROGRAM = fileURLToPath(new URL("../../bin/draftstate.js", import.meta.url));
const READ_AND_HASH = `
  import { createHash } from "node:crypto";
  import { readdirSync, readFileSync } from "node:fs";
  for (const name of readdirSync(process.argv[1])) if (name.endsWith(".json")) createHash("sha256").update(readFileSync(process.argv[1] + "/" + name)).digest("hex");
`;

function runNode(args) {
  const { status, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`${args.join(" ")} ended with ${status}: ${stderr}`);
}

export async function manyConversations({ scratch, rounds, count }) {
  const directory = scratch.directory();
  const state = await writeSnapshots(directory, count);
  const manager = managerIn(directory);
  const files = () =>
    readdirSync(state)
      .filter((name) => name.endsWith(".json"))
      .map((name) => join(state, name));
  const samples = await takeTurns(
    {
      list: () => timed(() => manager.list()),
      "readdir + stat, asynchronous": () => timed(() => statAll(state)),
      "readdir + stat, synchronous": () =>
        timed(() => {
          for (const name of files()) statSync(name);
        }),
      "parsing them": () =>
        timed(() => {
          for (const name of files()) JSON.parse(readFileSync(name, "utf8"));
        }),
      verify: () => timed(() => manager.verify()),
      search: () =>
        timed(() => {
          runNode([
            PROGRAM,
            "search",
            "a text that is nowhere",
            "--state-dir",
            state,
            "--backup-dir",
            join(directory, "backup"),
          ]);
        }),
      "a process that reads and hashes": () =>
        timed(() => {
          runNode(["--input-type=module", "-e", READ_AND_HASH, state]);
        }),
      "reading and hashing": () =>
        timed(() => {
          for (const name of files()) createHash("sha256").update(readFileSync(name)).digest("hex");
        }),
    },
    Math.min(rounds, 5),
  );
  const seen = medians(samples, "ms");
  const many = `${count.toLocaleString("en-US")} conversations of 20 KB`;
  return [
    row({
      id: "ls-stat",
      what: `list of ${many}`,
      guarantee: "from the ends of the files, not verified",
      target: "≤ 3",
      against: "readdir + stat, asynchronous as the list is",
      ratio: ratios(samples.list, samples["readdir + stat, asynchronous"]),
      seen,
    }),
    row({
      id: "ls-stat-sync",
      what: "the same",
      guarantee: "the same",
      against: "readdir + stat, synchronous",
      ratio: ratios(samples.list, samples["readdir + stat, synchronous"]),
    }),
    row({
      id: "ls-parse",
      what: "the same",
      guarantee: "the same",
      target: "≥ 5",
      against: "parsing them",
      ratio: ratios(samples["parsing them"], samples.list),
    }),
    row({
      id: "search",
      what: `draftstate search of ${many}, a text that none has`,
      guarantee: "whole process",
      target: "≥ 0.7",
      against: "a process that reads and hashes those bytes in one thread",
      ratio: ratios(samples["a process that reads and hashes"], samples.search),
    }),
    row({
      id: "verify",
      what: `verify of ${many}`,
      guarantee: "each parsed, hashed, checked",
      target: "≥ 0.7",
      against: "reading and hashing those bytes in one thread",
      ratio: ratios(samples["reading and hashing"], samples.verify),
    }),
  ];
}
