/** What a program without types hands over: a wrong kind of value is an error with a code, and nothing is done. */
import { beforeEach, expect, test } from "vitest";
import { applyPatches } from "../../src/index.js";
import type { Conversation } from "../../src/session/conversation.js";
import type { DraftStatePersistenceManager } from "../../src/manager.js";
import { codeRejected } from "../doubles/error-code.js";
import { managerOver, memory, turn } from "../doubles/managers.js";

/** As a program without types would hand it over. */
const wrong = (value: unknown): never => value as never;
const codeThrown = (act: () => unknown): Promise<unknown> => codeRejected(Promise.resolve().then(act));

let manager: DraftStatePersistenceManager;
let conversation: Conversation;

beforeEach(async () => {
  manager = managerOver(memory());
  conversation = await manager.open("chat");
  await turn(conversation, "Hi", "Hello");
});

test.each([{ given: {} }, { given: 5 }, { given: null }, { given: [] }])(
  "a backup is named by a text, not by $given",
  async ({ given }) => {
    expect(await codeRejected(manager.restore("chat", wrong(given)))).toBe("USAGE");
    expect(await codeRejected(manager.diff("chat", wrong(given)))).toBe("USAGE");
  },
);

test.each([{ max: "x" }, { max: -1 }, { max: 1.5 }, { max: NaN }, { olderThan: "1d" }, { keepDaily: null }])(
  "prune removes nothing under the rule %j",
  async (rule) => {
    expect(await codeRejected(manager.prune(wrong(rule)))).toBe("USAGE");
    expect(await manager.listBackups("chat")).toHaveLength(1);
  },
);

test("titles and tags are texts, a recipe is a function", async () => {
  expect(await codeThrown(() => manager.rename("chat", wrong(5)))).toBe("USAGE");
  expect(await codeRejected(manager.backup("chat", wrong({ reason: "manual", tag: 5 })))).toBe("USAGE");
  expect(await codeThrown(() => conversation.update(wrong(5)))).toBe("USAGE");
});

test.each([
  { patches: "x" },
  { patches: [null] },
  { patches: [{ op: "replace", path: "a", value: 1 }] },
  { patches: [{ op: "add", path: ["__proto__", "polluted"], value: 1 }] },
  { patches: [{ op: "add", path: ["constructor", "prototype", "polluted"], value: 1 }] },
])("applyPatches refuses $patches", async ({ patches }) => {
  expect(await codeThrown(() => applyPatches({ a: 0 }, wrong(patches)))).toBe("CORRUPT");
  expect(Reflect.get({}, "polluted")).toBeUndefined();
});

test("applyPatches applies what changes are made of", () => {
  expect(applyPatches({ a: 0 }, [{ op: "replace", path: ["a"], value: 1 }])).toEqual({ a: 1 });
});
