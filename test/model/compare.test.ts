/** Two states compared message by message: a message is known as itself wherever it went. */
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { changedFields, compareMessages, countChanges } from "../../src/model/compare.js";

type Said = { id: string; content: string };
const said = (id: string, content = id): Said => ({ id, content });
const having = (...messages: Said[]): { messages: Said[] } => ({ messages });
const kinds = (from: Said[], to: Said[]): string[] =>
  compareMessages(having(...from), having(...to)).map(({ kind, message }) => `${kind} ${(message as Said).id}`);

describe("compareMessages", () => {
  test("a message that was put in front moves nobody", () => {
    expect(kinds([said("a"), said("b")], [said("n"), said("a"), said("b")])).toEqual(["added n", "same a", "same b"]);
  });

  test("a removed message stands where it stood", () => {
    expect(kinds([said("a"), said("b"), said("c")], [said("a"), said("c")])).toEqual(["same a", "removed b", "same c"]);
  });

  test("an edited message tells what it was", () => {
    expect(compareMessages(having(said("a", "old")), having(said("a", "new")))).toEqual([
      { kind: "edited", before: said("a", "old"), message: said("a", "new") },
    ]);
  });

  test("only what left its place has moved", () => {
    expect(kinds([said("a"), said("b"), said("c"), said("d")], [said("d"), said("a"), said("b"), said("c")])).toEqual([
      "moved d",
      "same a",
      "same b",
      "same c",
    ]);
  });

  test("two messages of one id are two messages", () => {
    expect(kinds([said("a"), said("a")], [said("a"), said("a"), said("a")])).toEqual(["same a", "same a", "added a"]);
  });

  test("messages without ids are known by their place", () => {
    expect(compareMessages({ messages: ["x", "y"] }, { messages: ["x", "z"] }).map(({ kind }) => kind)).toEqual([
      "same",
      "edited",
    ]);
  });

  test("every message of both states is told exactly once", () => {
    const list = fc.uniqueArray(
      fc.record({ id: fc.constantFrom("a", "b", "c", "d", "e"), content: fc.constantFrom("1", "2") }),
      { selector: ({ id }) => id },
    );
    fc.assert(
      fc.property(list, list, (from, to) => {
        const changes = compareMessages(having(...from), having(...to));
        expect(changes.filter(({ kind }) => kind !== "removed").map(({ message }) => message)).toEqual(to);
        const kept = new Set(to.map(({ id }) => id));
        expect(changes.filter(({ kind }) => kind === "removed").map(({ message }) => message)).toEqual(
          from.filter(({ id }) => !kept.has(id)),
        );
      }),
    );
  });
});

test("fields beside the messages that differ are named, sorted", () => {
  expect(changedFields({ b: 1, a: [1], same: 1, messages: [] }, { b: 2, same: 1, c: 3, messages: ["x"] })).toEqual([
    "a",
    "b",
    "c",
  ]);
});

test("counts add up", () => {
  expect(
    countChanges({ ...having(said("a"), said("b", "old")), x: 1 }, { ...having(said("b", "new"), said("c")), x: 2 }),
  ).toEqual({ added: 1, removed: 1, edited: 1, moved: 0, fields: 1 });
});
