/** `watch` without an id, on a terminal: one row for each conversation, changed in place. */
import { expect, test } from "vitest";
import { AllOnScreen } from "../../../../src/cli/commands/watch/all-on-screen.js";
import type { ProcessControl } from "../../../../src/cli/io.js";
import { Screen } from "../../../../src/cli/terminal/screen/screen.js";
import type { Status } from "../../../../src/model/conversation.js";

const control = { on: () => undefined, off: () => undefined } as unknown as ProcessControl;

class Terminal {
  readonly columns = 80;
  text = "";

  constructor(readonly rows: number) {}

  write(text: string): void {
    this.text += text;
  }

  on(): this {
    return this;
  }

  off(): this {
    return this;
  }

  /** By conversation, in the rows that were drawn last. */
  get shown(): string[] {
    const drawn = this.text.slice(this.text.lastIndexOf("\u001b[J"));
    return [...drawn.matchAll(/\d\d:\d\d:\d\d {2}(\S+ {2}\S+) /g)].map(([, row]) => row ?? "");
  }
}

test("one that changes keeps its row; where there is no room the one that changed longest ago leaves", () => {
  const terminal = new Terminal(4);
  const context = { output: { warning: () => undefined }, now: () => new Date(0) };
  const all = new AllOnScreen(context, new Screen(terminal, control));
  const change = (conversationId: string, status: Status): string[] => {
    all.show([], { conversationId, status, title: "A tale", revision: 1, tokenCount: 1 }, conversationId);
    return terminal.shown;
  };
  change("one", "streaming");
  expect(change("two", "streaming")).toEqual(["one  streaming", "two  streaming"]);
  expect(change("one", "complete")).toEqual(["one  complete", "two  streaming"]);
  expect(change("three", "streaming")).toEqual(["two  streaming", "three  streaming"]);
});
