/** What coming back to a conversation shows of its last answer: rendered as it was while it streamed. */
import { expect, test } from "vitest";
import { recapOf } from "../../../src/cli/chat/recap.js";
import { createStyle } from "../../../src/cli/terminal/text/style.js";

const ANSWER = "# Ships\n\n- a **fast** one\n\n```\nrow()\n```\n\n| a | b |\n| - | - |\n| 1 | 2 |";

function recap(markdown: boolean, content = ANSWER): string[] {
  const messages = [
    { role: "user", content: "Tell me" },
    { role: "assistant", content, status: "complete" },
  ];
  const version = { state: { messages }, info: { createdAt: "2026-01-14T21:30:00.000Z" }, revision: 1 };
  return recapOf(version, {
    id: "tale",
    columns: 40,
    style: createStyle({ isTerminal: false, env: {} }),
    now: new Date("2026-01-14T21:31:00.000Z"),
    markdown,
  }).split("\n");
}

test("Markdown is rendered, and stays as it is where it was plain", () => {
  const shown = recap(true, "# Ships\n- a **fast** one\n\n| a | b |\n| - | - |\n| 1 | 2 |").slice(2);
  expect(shown.slice(0, 2)).toEqual(["  Ships", "  • a fast one"]);
  expect(shown.join("\n")).not.toMatch(/[*|#]/);
  expect(recap(false, "# Ships\n- a **fast** one").slice(2)).toEqual(["  # Ships", "  - a **fast** one"]);
});

test("a long answer ends with its last rows, and says where the rest is", () => {
  const shown = recap(true, Array.from({ length: 30 }, (_, line) => `Line ${line}`).join("\n"));
  expect(shown.at(-1)).toBe("  Line 29");
  expect(shown).toContain("  … full text: draftstate show tale");
  expect(shown).not.toContain("  Line 10");
  expect(recap(true).every((row) => row.length <= 40)).toBe(true);
});
