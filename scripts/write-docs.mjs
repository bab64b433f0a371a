// Runs each command that a page of docs/ shows (a line `$ …` in a ```console block) and puts what it prints below it.
// With --check nothing is written, and pages that are not current are named. A command is run by bash; each page has a
// directory of its own. What a page does not want to show ends with `  # not shown` and is run all the same.
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { makeWorld } from "./docs-world.mjs";

const DOCS = new URL("../docs/", import.meta.url);
const NOT_SHOWN = / {2}# not shown$/;
/** What Node.js says of broken JSON differs from version to version. */
const OF_NODE = /(it is not valid JSON) \(.*?\)/g;
const WIDTH = 132;

/** Long lines are cut: a page shows what to expect, not all of it. */
function cut(line) {
  const points = Array.from(line);
  return points.length > WIDTH
    ? `${points
        .slice(0, WIDTH - 1)
        .join("")
        .trimEnd()}…`
    : line.trimEnd();
}

function run(command, world) {
  const { stdout } = spawnSync("bash", ["-c", `(${command}\n) 2>&1`], {
    cwd: world.work,
    env: world.env(),
    encoding: "utf8",
  });
  return stdout
    .replaceAll(OF_NODE, "$1 (…)")
    .trimEnd()
    .split("\n")
    .map(cut)
    .filter((line, index, all) => all.length > 1 || line !== "");
}

function renderBlock(block, world) {
  const commands = block.split("\n").filter((line) => line.startsWith("$ "));
  let text = "";
  for (const line of commands) {
    const output = run(line.slice(2).replace(NOT_SHOWN, ""), world);
    const shown = NOT_SHOWN.test(line) ? [] : output;
    text += `${[line, ...shown].join("\n")}\n${shown.length > 0 ? "\n" : ""}`;
  }
  return text.trimEnd();
}

function renderPage(text) {
  const world = makeWorld();
  try {
    return text.replace(
      /```console\n([\s\S]*?)\n```/g,
      (_, block) => `\`\`\`console\n${renderBlock(block, world)}\n\`\`\``,
    );
  } finally {
    world.remove();
  }
}

const check = process.argv.includes("--check");
const stale = [];
for (const name of readdirSync(DOCS).filter((file) => file.endsWith(".md"))) {
  const text = readFileSync(new URL(name, DOCS), "utf8");
  if (!text.includes("```console")) continue;
  const current = renderPage(text);
  if (current === text) continue;
  stale.push(name);
  if (!check) writeFileSync(new URL(name, DOCS), current);
}
for (const name of stale)
  console.log(`docs/${name} ${check ? "is not current: run node scripts/write-docs.mjs" : "written"}`);
process.exitCode = check && stale.length > 0 ? 1 : 0;
