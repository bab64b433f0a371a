// The room `scale` alone, without the peers: `node bench/scale.mjs [--quick] [--keep]` after `npm run build`. Prints the table,
// beside the kept ratios where there are any; with --keep writes them to scale.json.
import { readFileSync, writeFileSync } from "node:fs";
import { figure } from "./measure.mjs";
import { scale } from "./rows/scale.mjs";
import { Scratch } from "./work.mjs";

const KEPT = new URL("scale.json", import.meta.url);
const words = process.argv.slice(2);
const quick = words.includes("--quick");

function readKept() {
  try {
    return JSON.parse(readFileSync(KEPT, "utf8")).rows;
  } catch {
    return [];
  }
}

function line({ id, what, against, target, ratio, met, seen }, kept) {
  const before = kept.find((each) => each.id === id)?.ratio.median;
  const verdict = met === undefined ? "" : met ? "met" : "**missed**";
  const medians = Object.entries(seen)
    .map(([name, value]) => `${name} ${value}`)
    .join(" · ");
  return `| ${what} | ${against} | ${target} | ${figure(ratio.median)} (${figure(ratio.low)} to ${figure(ratio.high)}) | ${verdict} | ${before === undefined ? "" : figure(before)} | ${medians} |`;
}

const scratch = new Scratch();
try {
  const rows = await scale({ scratch, rounds: quick ? 3 : 9, count: quick ? 1000 : 10_000 });
  const kept = readKept();
  process.stdout.write(
    `${["| what | against | target | ratio, median (quartiles) | | kept | medians |", "| --- | --- | --- | --- | --- | --- | --- |", ...rows.map((each) => line(each, kept))].join("\n")}\n`,
  );
  if (words.includes("--keep"))
    writeFileSync(
      KEPT,
      `${JSON.stringify({ at: new Date().toISOString().slice(0, 10), node: process.version, rows }, null, 2)}\n`,
    );
} finally {
  scratch.remove();
}
