/** What `table.ts` promises, measured with a ruler of its own: the wide characters used here, listed by hand. */
import { describe, expect, test } from "vitest";
import { createStyle } from "../../../../src/cli/terminal/text/style.js";
import { renderTable, type TableColumn } from "../../../../src/cli/terminal/tables/table.js";

const plain = createStyle({ isTerminal: false, env: {} });
const colored = createStyle({ isTerminal: true, env: {} });

const FAMILY = "👩‍👩‍👧‍👦";
const WIDE = new RegExp(
  [FAMILY, "❤\ufe0f", "🇩🇪", "👍🏽", "[\u3001\u4e00-\u9fff\uac00-\ud7a3\u3040-\u30ff]"].join("|"),
  "gu",
);
const COLOR = new RegExp("\u001b\\[\\d+m", "g");

/** Each wide character as `WW`, accents dropped: what is left is counted by its length. */
function flatten(line: string): string {
  return line
    .replace(COLOR, "")
    .replace(WIDE, "WW")
    .replace(/\u0301/g, "");
}

const COLUMNS: readonly TableColumn[] = [
  { title: "ID" },
  { title: "TITLE", shrink: true, minimum: 10 },
  { title: "TOKENS", align: "right" },
  { title: "NOTE", shrink: true },
];
const ROWS = [
  ["alpha", "A plain title that goes on and on, past the edge of most terminals there are", "12", "short"],
  ["beta", "漢字かな交じり文と한국어の長い題名、端末の幅を超えるまで続く続く続く続く続く", "1,234", "❤️ 🇩🇪 👍🏽"],
  ["gamma", `${FAMILY} family `.repeat(8), "7", `${FAMILY.repeat(6)} cafe\u0301 ${"🇩🇪".repeat(12)}`],
  ["delta", "", "1,000,000", ""],
];

function linesAt(width: number | undefined, style = plain): string[] {
  return renderTable({ columns: COLUMNS, rows: ROWS, width, style }).split("\n");
}

describe.each([40, 80, 120])("at %i columns", (width) => {
  test("no line is wider than the terminal", () => {
    for (const line of linesAt(width)) expect(flatten(line).length).toBeLessThanOrEqual(width);
  });

  test("columns start and end at the same place in every line", () => {
    const [header = "", ...lines] = linesAt(width).map(flatten);
    const [titles, tokensEnd] = [header.indexOf("TITLE"), header.indexOf("TOKENS") + "TOKENS".length];
    expect(titles).toBe("alpha".length + 2);
    lines.forEach((line, index) => {
      const tokens = ROWS[index]?.[2] ?? "";
      expect(line.slice(titles - 2, titles)).toBe("  ");
      expect(line.slice(tokensEnd - tokens.length, tokensEnd)).toBe(tokens);
    });
  });

  test("columns that may not shrink are whole", () => {
    const text = linesAt(width).join("\n");
    for (const [id = "", , tokens = ""] of ROWS) {
      expect(text).toContain(id);
      expect(text).toContain(tokens);
    }
  });

  test("colours change nothing but colours", () => {
    expect(linesAt(width, colored).map((line) => line.replace(COLOR, "").trimEnd())).toEqual(linesAt(width));
  });
});

test("a table too wide is cut to fill the terminal exactly", () => {
  const rows = [["a".repeat(100), "b".repeat(100)]];
  const columns = [
    { title: "A", shrink: true },
    { title: "B", shrink: true },
  ];
  const [, line = ""] = renderTable({ columns, rows, width: 41, style: plain }).split("\n");
  expect(line.length).toBe(41);
  expect(line).toMatch(/^a+… {2}b+…$/);
});

test("a table looks like this", () => {
  const columns: TableColumn[] = [
    { title: "ID" },
    { title: "TITLE", shrink: true },
    { title: "TOKENS", align: "right" },
  ];
  const rows = [
    ["one", "漢字の題名です", "5"],
    ["three", `${FAMILY} and more`, "1,200"],
  ];
  expect(renderTable({ columns, rows, width: 26, style: plain }).split("\n")).toEqual([
    "ID     TITLE        TOKENS",
    "one    漢字の題名…       5",
    `three  ${FAMILY} and more   1,200`,
  ]);
});

describe("into a pipe", () => {
  test("nothing is cut", () => {
    const text = linesAt(undefined).join("\n");
    for (const cell of ROWS.flat()) expect(text).toContain(cell.trimEnd());
    expect(text).not.toContain("…");
  });

  test("nothing is coloured, whatever the style", () => {
    const columns = [{ title: "A", paint: colored.red }];
    expect(renderTable({ columns, rows: [["x"]], width: undefined, style: colored })).toBe("A\nx");
  });
});

test("on a terminal titles are bold, and a cell is painted by its whole text after it was cut", () => {
  const paint = (shown: string, cell: string): string => (cell.endsWith("bad") ? colored.red(shown) : shown);
  const columns = [{ title: "A", shrink: true, minimum: 1, paint }];
  expect(renderTable({ columns, rows: [["very bad"], ["good"]], width: 5, style: colored }).split("\n")).toEqual([
    "\u001b[1mA\u001b[22m",
    "\u001b[31mvery…\u001b[39m",
    "good",
  ]);
});

test("a cell cannot act on the terminal nor break its line", () => {
  const rows = [["a\u001b[2J\nb\r\u009b1m\u202e", "x"]];
  const text = renderTable({ columns: [{ title: "A\u0007" }, { title: "B" }], rows, width: 80, style: plain });
  expect(text.split("\n")[1]).toBe("a\\u{1b}[2J b\\u{d}\\u{9b}1m\\u{202e}  x");
  expect(text).toContain("A\\u{7}");
});

test("missing cells are empty, surplus ones are left out", () => {
  const columns = [{ title: "A" }, { title: "B" }];
  expect(renderTable({ columns, rows: [["x"], ["y", "z", "more"]], width: 80, style: plain })).toBe("A  B\nx\ny  z");
});

test("every width down to nothing is obeyed", () => {
  for (let width = 0; width < 40; width += 1) {
    for (const line of linesAt(width)) expect(flatten(line).length).toBeLessThanOrEqual(width);
  }
});

test("cells of any length and thousands of rows do not hang it", { timeout: 20_000 }, () => {
  const columns = [
    { title: "A", shrink: true },
    { title: "B", shrink: true },
  ];
  const huge = ["漢".repeat(300_000), FAMILY.repeat(30_000)];
  const rows = [huge, ...Array.from({ length: 5_000 }, () => ["漢字", "x"])];
  expect(renderTable({ columns, rows, width: 80, style: plain }).split("\n")).toHaveLength(5_002);
});
