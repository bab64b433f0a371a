/**
 * What a manager knows of a thread while others write it and fold their segments into one: the number after the last that it
 * knows is always taken, so it reads again, and writes behind what is there.
 */
import { expect, test } from "vitest";
import { DraftstateError } from "../../src/errors.js";
import type { Thread } from "../../src/threads/thread.js";
import type { PutRequest } from "../../src/threads/put.js";
import { codeRejected } from "../doubles/error-code.js";
import { FaultyStorage } from "../doubles/faulty-storage.js";
import { memory, managerOver } from "../doubles/managers.js";

const json = (value: unknown) => ({ type: "json", bytes: Buffer.from(JSON.stringify(value)) });
/** A segment of this size is not folded into the next. */
const LARGE = "x".repeat(70_000);

function request(id: string, value: string): PutRequest {
  const versions = new Map([[`c-${id}`, 1]]);
  return {
    ...{ ns: "", id, parent: undefined, run: undefined, versions, newVersions: versions },
    ...{ written: new Map([[`c-${id}`, json(value)]]), state: json({ v: 4 }), metadata: json({}), drops: [] },
  };
}

function idsOf(thread: Thread): Promise<string[]> {
  return thread.read((view) =>
    Promise.resolve(
      view.index
        .checkpoints("")
        .map(({ id }) => id)
        .sort(),
    ),
  );
}

async function puts(thread: Thread, id: string, value = ""): Promise<void> {
  await thread.put(request(id, value));
  await thread.close();
}

async function foldedElsewhere(times: number): Promise<{ readonly first: Thread; readonly second: Thread }> {
  const storage = memory();
  const [first, second] = [managerOver(storage).threads.get("t"), managerOver(storage).threads.get("t")];
  await puts(first, "a", LARGE);
  expect(await idsOf(first)).toEqual(["a"]);
  for (let time = 1; time <= times; time += 1) await puts(second, `b${time}`);
  return { first, second };
}

test.each([1, 2, 3])("a reader sees what was written in %i later sessions", async (times) => {
  const { first, second } = await foldedElsewhere(times);
  expect(await idsOf(first)).toEqual(await idsOf(second));
});

test.each([1, 2, 3])("a writer writes behind what was written in %i later sessions", async (times) => {
  const { first, second } = await foldedElsewhere(times);
  await puts(first, "c");
  expect(await idsOf(second)).toHaveLength(times + 2);
  expect(await idsOf(first)).toHaveLength(times + 2);
});

test("ten sessions leave three files: the large one, its tombstone and what was folded", async () => {
  const storage = memory();
  await puts(managerOver(storage).threads.get("t"), "a", LARGE);
  for (let time = 1; time <= 10; time += 1) await puts(managerOver(storage).threads.get("t"), `b${time}`);
  expect((await storage.list("state")).filter((name) => name.endsWith(".thread"))).toHaveLength(3);
  expect(await idsOf(managerOver(storage).threads.get("t"))).toHaveLength(11);
});

test("a fold that cannot leave a tombstone removes nothing, and the next writer does both", async () => {
  const storage = new FaultyStorage(memory());
  const [first, second] = [managerOver(storage).threads.get("t"), managerOver(storage).threads.get("t")];
  await puts(first, "a", LARGE);
  await puts(second, "b1");
  storage.setFault((call) => (call === "replace" ? new DraftstateError("STORAGE", "no room") : undefined));
  await puts(second, "b2");
  storage.setFault(undefined);
  expect(await idsOf(first)).toEqual(["a", "b1", "b2"]);
  await puts(managerOver(storage).threads.get("t"), "b3");
  expect(await idsOf(first)).toEqual(["a", "b1", "b2", "b3"]);
});

test("a thread whose last segment is missing behind a tombstone is damaged, not an earlier one", async () => {
  const storage = memory();
  await puts(managerOver(storage).threads.get("t"), "a", LARGE);
  for (let time = 1; time <= 2; time += 1) await puts(managerOver(storage).threads.get("t"), `b${time}`);
  const last =
    (await storage.list("state"))
      .filter((name) => name.endsWith(".thread"))
      .sort()
      .at(-1) ?? "";
  await storage.remove({ area: "state", name: last });
  expect(await codeRejected(idsOf(managerOver(storage).threads.get("t")))).toBe("CORRUPT");
});
