// The room `saver` alone: `node bench/saver.mjs [--quick] [--keep]` after `npm run build` and an install in bench/. Prints the
// table; with --keep writes it to README.md, with the machine's load.
import { readFileSync, writeFileSync } from "node:fs";
import { cpus, loadavg, release, type } from "node:os";
import { figure } from "./measure.mjs";
import { saver } from "./rows/saver.mjs";
import { Scratch } from "./work.mjs";

const README = new URL("README.md", import.meta.url);
const words = process.argv.slice(2);
const quick = words.includes("--quick");
const versionOf = (name) =>
  JSON.parse(readFileSync(new URL(`./node_modules/${name}/package.json`, import.meta.url), "utf8")).version;

function line({ what, against, guarantee, target, ratio, met, seen }) {
  const verdict = met === undefined ? "" : met ? "met" : "**missed**";
  const figures = Object.entries(seen)
    .map(([name, value]) => `${name} ${value}`)
    .join(" · ");
  return `| ${what} | ${against} | ${guarantee} | ${target} | ${figure(ratio.median)} (${figure(ratio.low)} to ${figure(ratio.high)}) | ${verdict} | ${figures} |`;
}

const scratch = new Scratch();
try {
  const [before] = loadavg();
  const rows = await saver({ scratch, quick, rounds: quick ? 3 : 9 });
  const [after] = loadavg();
  const versions = ["@langchain/langgraph-checkpoint-sqlite", "better-sqlite3", "@langchain/langgraph-checkpoint"]
    .map((name) => `${name} ${versionOf(name)}`)
    .join(", ");
  const text = [
    `Measured ${new Date().toISOString().slice(0, 10)} on ${cpus().length} × ${cpus()[0]?.model.trim() ?? "?"}, ${type()} ${release()}, Node.js ${process.version}; ${versions}. Load of the machine ${before.toFixed(1)} before, ${after.toFixed(1)} after.`,
    "",
    "| what | against | guarantee | target | ratio, median (quartiles) | | medians |",
    "| --- | --- | --- | --- | --- | --- | --- |",
    ...rows.map(line),
  ].join("\n");
  process.stdout.write(`${text}\n`);
  if (words.includes("--keep"))
    writeFileSync(
      README,
      readFileSync(README, "utf8").replace(
        /(<!-- saver -->\n)[^]*(\n<!-- end of saver -->)/,
        (_, start, end) => `${start}${text}${end}`,
      ),
    );
} finally {
  scratch.remove();
}
