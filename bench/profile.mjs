// Where the time goes in what the limits in README.md are about, by V8's sampling profiler: profiles/<name>.md has the sums,
// profiles/<name>.folded.txt the stacks as flame-graph tools read them (https://www.speedscope.app, flamegraph.pl).
// `npm run bench:profile`, or `node bench/profile.mjs show chat`.
import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const PROGRAM = join(ROOT, "bin/draftstate.js");
const WORKS = join(ROOT, "bench/profiled.mjs");
const KEPT = join(ROOT, "bench/profiles");
/** Microseconds between two looks. */
const INTERVAL = 100;
/** Stacks that took less are left out of the folded files, in microseconds. */
const LEAST = 300;

const PROFILES = {
  show: { title: "`draftstate show tale`, a whole process", command: ["show", "tale"] },
  ls: { title: "`draftstate ls`, a whole process", command: ["ls"] },
  chat: {
    title: "`draftstate chat --model offline Hi`, until its first token",
    command: ["chat", "--model", "offline", "Hi"],
    untilFirstByte: true,
  },
  loop: { title: "an answer of 50,000 tokens through agent and manager" },
  synced: { title: "5,000 tokens, each synced before the next" },
  snapshot: { title: "20 snapshots of 10 MB, one message changed in each" },
  list: { title: "5 lists of 10,000 conversations" },
};

/** Microseconds on the clock that V8's profiles count by. */
const monotonic = () => Number(process.hrtime.bigint() / 1000n);

/** What a process writes to stdout, and when the first byte of it came. */
function run(args, cwd) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, {
      cwd,
      env: { PATH: process.env.PATH, HOME: cwd },
      stdio: ["ignore", "pipe", "inherit"],
    });
    const chunks = [];
    let firstByte;
    child.stdout.on("data", (chunk) => {
      firstByte ??= monotonic();
      chunks.push(chunk);
    });
    child.once("close", (status) => {
      if (status === 0) resolve({ text: Buffer.concat(chunks).toString(), firstByte });
      else reject(new Error(`${args.join(" ")} ended with ${status}`));
    });
  });
}

/** A command is over soon: the mean of so many. */
const RUNS = 10;

/** Each stack once, with its share of the time. */
function mean(runs) {
  const times = new Map();
  for (const { stack, time } of runs.flat()) {
    const key = stack.join(";");
    times.set(key, { stack, time: (times.get(key)?.time ?? 0) + time / runs.length });
  }
  return [...times.values()];
}

async function profileOfCommand({ command, untilFirstByte = false }, cwd) {
  const chat = { cwd, env: { PATH: process.env.PATH, HOME: cwd, DRAFTSTATE_OFFLINE_TOKEN_DELAY: "0" } };
  spawnSync(process.execPath, [PROGRAM, "chat", "--model", "offline", "--id", "tale", "Hi"], chat);
  const runs = [];
  for (let count = 0; count < RUNS; count += 1) {
    const { firstByte } = await run(
      [
        "--cpu-prof",
        "--cpu-prof-interval",
        String(INTERVAL),
        "--cpu-prof-dir",
        cwd,
        "--cpu-prof-name",
        "profile",
        PROGRAM,
        ...command,
      ],
      cwd,
    );
    runs.push(stacksOf(JSON.parse(readFileSync(join(cwd, "profile"), "utf8")), untilFirstByte ? firstByte : undefined));
  }
  return mean(runs);
}

async function profileOfWork(name, cwd) {
  return stacksOf(JSON.parse((await run([WORKS, name], cwd)).text));
}

function nameOf({ functionName, url, lineNumber }) {
  const name = functionName === "" ? "(anonymous)" : functionName;
  if (url === "") return name;
  const place = url.replace(/^file:\/\//, "").replace(ROOT, "");
  return `${name} ${place}:${lineNumber + 1}`.replaceAll(";", ",");
}

/** Milliseconds by stack, outermost first. */
function stacksOf({ nodes, samples, timeDeltas, startTime }, until = Infinity) {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const parentOf = new Map(nodes.flatMap((node) => (node.children ?? []).map((child) => [child, node.id])));
  const times = new Map();
  let at = startTime;
  samples.forEach((id, index) => {
    at += timeDeltas[index];
    if (at <= until) times.set(id, (times.get(id) ?? 0) + timeDeltas[index]);
  });
  return [...times]
    .map(([id, time]) => {
      const stack = [];
      for (let each = id; each !== undefined; each = parentOf.get(each))
        stack.unshift(nameOf(byId.get(each).callFrame));
      return { stack: stack.slice(1), time };
      // The profiler's own beginning and end are no part of the work.
    })
    .filter(({ stack }) => !stack.some((name) => name.includes("node:inspector")));
}

/** What a function is part of, by the file it is in. */
const PARTS = [
  ["garbage collection", /^\(garbage collector\)/],
  ["waiting (the disk, another thread)", /^\(idle\)/],
  ["V8 and C++ (compiling, reading the code cache, system calls without a name)", /^\(program\)/],
  ["loading the command", / bin\/|wrapSafe|internalCompileFunction/],
  ["system calls and what else is native", /^[^ ]+$/],
  ["Node's own modules", / node:/],
  ["LangGraph, LangChain and the agent over them", /dist\/cli\/(agent|vendor)-/],
  ["draftstate", /./],
];

function sum(stacks, keysOf) {
  const sums = new Map();
  for (const { stack, time } of stacks)
    for (const key of new Set(keysOf(stack))) sums.set(key, (sums.get(key) ?? 0) + time);
  return [...sums].sort(([, left], [, right]) => right - left);
}

const partOf = (stack) => PARTS.find(([, pattern]) => pattern.test(stack.at(-1) ?? "(program)"))[0];
const ms = (micros) => (micros / 1000).toFixed(1).padStart(9);

function report({ title }, stacks) {
  const all = stacks.reduce((total, { time }) => total + time, 0);
  const share = (time) => `${((100 * time) / all).toFixed(0).padStart(3)} %`;
  const lines = (sums, count) => sums.slice(0, count).map(([key, time]) => `${ms(time)} ms ${share(time)}  ${key}`);
  return [
    `## ${title}`,
    "",
    "```text",
    `${ms(all)} ms 100 %  in all, from when the profiler began`,
    "by part",
    ...lines(
      sum(stacks, (stack) => [partOf(stack)]),
      10,
    ),
    "by function alone",
    ...lines(
      sum(stacks, (stack) => [stack.at(-1) ?? "(root)"]),
      20,
    ),
    "by function and all it called",
    ...lines(
      sum(stacks, (stack) => stack),
      30,
    ),
    "```",
    "",
  ].join("\n");
}

function folded(stacks) {
  return stacks
    .filter(({ time }) => time >= LEAST)
    .map(({ stack, time }) => `${stack.join(";")} ${Math.round(time)}`)
    .sort()
    .join("\n");
}

async function takeProfile(name) {
  const work = mkdtempSync(join(tmpdir(), "draftstate-profile-"));
  try {
    const wanted = PROFILES[name];
    const stacks =
      wanted.command === undefined ? await profileOfWork(name, work) : await profileOfCommand(wanted, work);
    writeFileSync(join(KEPT, `${name}.folded.txt`), `${folded(stacks)}\n`);
    writeFileSync(join(KEPT, `${name}.md`), report(wanted, stacks));
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

mkdirSync(KEPT, { recursive: true });
const chosen = process.argv.slice(2);
const names = chosen.length === 0 ? Object.keys(PROFILES) : chosen;
for (const name of names) {
  process.stderr.write(`${name} …\n`);
  await takeProfile(name);
}
