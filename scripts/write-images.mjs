// Pictures of the real program for README and docs: commands run in a pseudo-terminal, its screen drawn as SVG in docs/images/.
import { mkdirSync, writeFileSync } from "node:fs";
import { spawn } from "@lydell/node-pty";
import xterm from "@xterm/headless";
import { makeWorld } from "./docs-world.mjs";

const IMAGES = new URL("../docs/images/", import.meta.url);
const COLUMNS = 100;
const [CELL, LINE, PADDING] = [8.4, 19, 16];
const PALETTE = [
  "#484f58",
  "#ff7b72",
  "#3fb950",
  "#d29922",
  "#58a6ff",
  "#bc8cff",
  "#39c5cf",
  "#b1bac4",
  "#6e7681",
  "#ffa198",
  "#56d364",
  "#e3b341",
  "#79c0ff",
  "#d2a8ff",
  "#56d4dd",
  "#ffffff",
];

const SETUP = [
  'chat "Tell me a story about a whale" --id whale -q',
  'chat --resume whale "And then?" -q',
  'chat "Plan a trip to 京都 in spring" --id kyoto -q',
  'chat --resume whale "Who told it?" -q',
];
const SCENES = {
  history: ["ls", "backups whale", "diff whale --stat", "restore whale --backup ~1 --yes"],
  ls: ["ls"],
  show: ["show kyoto --no-pager"],
};

function inTerminal(command, world, terminal) {
  return new Promise((resolve) => {
    const env = { ...world.env(), TERM: "xterm-256color" };
    const child = spawn("sh", ["-c", command], { cwd: world.work, env, cols: COLUMNS, rows: terminal.rows });
    child.onData((data) => terminal.write(data));
    child.onExit(() => terminal.write("", resolve));
  });
}

function escapeXml(text) {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}

/** Cells that look alike, side by side, as one text each. */
function runsOf(line) {
  const runs = [];
  for (let column = 0; column < COLUMNS; column += 1) {
    const cell = line.getCell(column);
    if (cell === undefined || cell.getWidth() === 0) continue;
    const fill = cell.isFgPalette() ? PALETTE[cell.getFgColor()] : "#e6edf3";
    const look = `fill="${fill}"${cell.isBold() ? ' font-weight="bold"' : ""}${cell.isDim() ? ' opacity="0.6"' : ""}`;
    const last = runs.at(-1);
    const chars = cell.getChars() === "" ? " " : cell.getChars();
    // A wide character stands alone, so that a font of other widths moves nothing behind it.
    if (last?.look === look && last.narrow && cell.getWidth() === 1) last.text += chars;
    else runs.push({ look, column, text: chars, narrow: cell.getWidth() === 1 });
  }
  return runs.filter(({ text }) => text.trim() !== "");
}

function toSvg(terminal) {
  const { active } = terminal.buffer;
  const lines = Array.from({ length: active.length }, (_, row) => active.getLine(row)).filter(
    (line) => line !== undefined,
  );
  while (lines.at(-1)?.translateToString(true) === "") lines.pop();
  const [width, height] = [Math.round(COLUMNS * CELL + 2 * PADDING), lines.length * LINE + 2 * PADDING];
  const texts = lines.flatMap((line, row) =>
    runsOf(line).map(
      ({ look, column, text }) =>
        `<text x="${(PADDING + column * CELL).toFixed(1)}" y="${PADDING + row * LINE + 14}" ${look}>${escapeXml(text.trimEnd()).replaceAll(" ", "\u00a0")}</text>`,
    ),
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="14" xml:space="preserve">\n<rect width="100%" height="100%" rx="8" fill="#0d1117"/>\n${texts.join("\n")}\n</svg>\n`;
}

mkdirSync(IMAGES, { recursive: true });
for (const [name, commands] of Object.entries(SCENES)) {
  const world = makeWorld();
  const quiet = new xterm.Terminal({ cols: COLUMNS, rows: 60, allowProposedApi: true });
  const terminal = new xterm.Terminal({ cols: COLUMNS, rows: 60, allowProposedApi: true });
  for (const command of SETUP) await inTerminal(`draftstate ${command}`, world, quiet);
  for (const command of commands) {
    terminal.write(`\u001b[32m$\u001b[0m \u001b[1mdraftstate ${command}\u001b[0m\r\n`);
    await inTerminal(`draftstate ${command}`, world, terminal);
    terminal.write("\r\n");
  }
  await new Promise((resolve) => terminal.write("", resolve));
  writeFileSync(new URL(`${name}.svg`, IMAGES), toSvg(terminal));
  world.remove();
}
