/** What a terminal sends, as keys, however it was cut. */
import { describe, expect, test } from "vitest";
import { KeyDecoder, type Key } from "../../../../src/cli/terminal/input/keys.js";

function keysOf(...pieces: readonly string[]): Key[] {
  const decoder = new KeyDecoder();
  return [...pieces.flatMap((piece) => decoder.push(piece)), ...decoder.flush()];
}

function names(input: string): string[] {
  return keysOf(input).map((key) => (key.kind === "key" ? key.name : key.text));
}

describe("keys", () => {
  test("are told apart with their modifiers", () => {
    expect(names("a\r\u001b\r\u001b[13;2u\u001b[27;2;13~\u001b[1;5D\u001bb\u001b[3~\u001bOH\u0003\n")).toEqual([
      "a",
      "enter",
      "alt-enter",
      "shift-enter",
      "shift-enter",
      "ctrl-left",
      "alt-b",
      "delete",
      "home",
      "ctrl-c",
      "ctrl-j",
    ]);
  });

  test("of one sequence may come in pieces", () => {
    const sequence = "\u001b[1;5C";
    expect(keysOf(...Array.from(sequence))).toEqual([{ kind: "key", name: "ctrl-right" }]);
  });

  test("of a paste are one text, whatever is in it and wherever it is cut", () => {
    const paste = "\u001b[200~a\rb\u001b[Ac\u001b[201~x";
    expect(keysOf(...Array.from(paste))).toEqual([
      { kind: "paste", text: "a\nb\u001b[Ac" },
      { kind: "text", text: "x" },
    ]);
  });

  test("that nobody knows are swallowed whole", () => {
    expect(names("\u001b[?1;2c\u001b[99;99zq")).toEqual(["q"]);
  });

  test("that are an escape character alone are Escape once nothing follows", () => {
    expect(names("\u001b")).toEqual(["escape"]);
  });
});
