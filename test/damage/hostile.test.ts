/**
 * Hostile files, one at a time beside a healthy conversation: whatever is asked gives an answer or a named error, and
 * soon; nothing reaches a prototype, the healthy one is served, and no command prints a raw control character or ends with 1.
 */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { DraftstateError } from "../../src/errors.js";
import { createDraftStatePersistenceManager } from "../../src/persistence/create-manager.js";
import type { DraftStatePersistenceManager } from "../../src/persistence/manager.js";
import { Victim } from "../process/victim.js";
import { CONTENTS, GOOD, oddNames, PLACES, SOUND, THINGS, type Directories, type Plant } from "./hostile-files.js";

const BAD = "bad";
const TIMEOUT = { timeout: 60_000 };
/** What acts on a terminal: C0 but newline and tab, DEL, C1, bidi controls, line separators. */
const ACTING = /(?![\n\t])\p{Cc}|\p{Bidi_Control}|\p{Zl}|\p{Zp}/u;

let directory: string;
let directories: Directories;
let manager: DraftStatePersistenceManager;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "draftstate-hostile-"));
  directories = { stateDir: join(directory, "state"), backupDir: join(directory, "backup") };
  manager = createDraftStatePersistenceManager({ ...directories, autoSave: false });
  const conversation = await manager.open(GOOD);
  await conversation.flush();
  await conversation.backup();
  await conversation.close();
});

afterEach(async () => {
  await manager.close().catch(() => undefined);
  await rm(directory, { recursive: true, force: true });
});

async function outcome(act: () => Promise<unknown>): Promise<string> {
  try {
    await act();
    return "an answer";
  } catch (error) {
    return error instanceof DraftstateError ? "a named error" : `a crash: ${String(error)}`;
  }
}

/** Everything that a user of the library can ask of a conversation. The writers come last. */
function questions(id: string): Record<string, () => Promise<unknown>> {
  return {
    load: () => manager.load(id),
    list: () => manager.list(),
    listBackups: () => manager.listBackups(id),
    diff: () => manager.diff(id, "latest"),
    verify: () => manager.verify(id),
    prune: () => manager.prune({ id, max: 5 }),
    pruneAll: () => manager.prune({ max: 5 }),
    restoreDry: () => manager.restore(id, "latest", { dryRun: true }),
    open: async () => {
      const conversation = await manager.open(id, { expect: "existing" });
      const revision = conversation.revision;
      conversation.update((draft) => { (draft as unknown as { touched: boolean }).touched = true; });
      await conversation.flush();
      expect(conversation.revision).toBe(revision + 1);
      await conversation.close();
      // What was acknowledged can be read.
      expect(await manager.loadState(id)).toMatchObject({ touched: true });
    },
    restore: () => manager.restore(id, "latest"),
    backup: () => manager.backup(id),
    repair: () => manager.repair(id),
  };
}

async function askAll(id: string): Promise<void> {
  const outcomes: Record<string, string> = {};
  for (const [name, ask] of Object.entries(questions(id))) outcomes[name] = await outcome(ask);
  expect(Object.entries(outcomes).filter(([, said]) => said.startsWith("a crash"))).toEqual([]);
  expect((await manager.list()).find((row) => row.conversationId === GOOD)).toMatchObject({ status: "complete" });
  expect(await manager.loadState(GOOD)).not.toBeNull();
  expect((await manager.verify()).problems.filter((problem) => problem.conversationId === GOOD)).toEqual([]);
  expect([Reflect.get({}, "polluted"), Reflect.get([], "polluted")]).toEqual([undefined, undefined]);
}

describe("a file with", TIMEOUT, () => {
  test.each(Object.entries({ ...CONTENTS, ...SOUND }))("%s is answered for, and the conversation beside it served", async (_name, plant) => {
    await plant(BAD, directories);
    await askAll(BAD);
  });

  test.each(Object.entries(SOUND))("%s is sound: it loads, verifies and goes on", async (_name, plant) => {
    await plant(BAD, directories);
    expect((await manager.verify()).problems).toEqual([]);
    const before = await manager.loadState(BAD);
    expect(before).not.toBeNull();
    await (await manager.open(BAD, { expect: "existing" })).close();
    expect(await manager.loadState(BAD)).toEqual(before);
  });
});

describe.each(Object.entries(PLACES))("in the place of a %s", TIMEOUT, (_place, makePlace) => {
  test.each(Object.entries(THINGS))("%s hangs nothing, hides nothing, and verify names it", async (_name, make) => {
    const path = await makePlace(BAD, directories);
    await make(path);
    const { problems } = await manager.verify();
    expect(problems).toEqual([expect.objectContaining({ conversationId: BAD, path })]);
    await askAll(BAD);
  });
});

/** Each hostile file as a conversation of its own, in one pair of directories. */
async function plantAll(): Promise<string[]> {
  const things = Object.values(PLACES).flatMap((makePlace) => Object.values(THINGS).map((make): Plant => async (id, where) => make(await makePlace(id, where))));
  const plants = [...Object.values(CONTENTS), ...Object.values(SOUND), ...things];
  const ids = plants.map((_plant, index) => `bad-${index}`);
  for (const [index, plant] of plants.entries()) await plant(ids[index] as string, directories);
  for (const name of oddNames()) {
    for (const parent of Object.values(directories) as string[]) {
      await writeFile(Buffer.concat([Buffer.from(`${resolve(parent)}/`), Buffer.from(name)]), "odd");
    }
  }
  await mkdir(join(directories.stateDir, "folder.json"));
  return ids;
}

async function run(...args: string[]): Promise<{ status: number | null; text: string }> {
  const command = Victim.cli(args, {}, directory);
  await command.ended();
  return { status: command.status, text: command.lines.join("\n") + command.stderr };
}

test("no command over all of them at once hangs, ends with 1, or prints what could act on a terminal", { timeout: 240_000 }, async () => {
  const ids = await plantAll();
  const whole = [["ls"], ["verify"], ["prune", "--dry-run"], ["show", GOOD], ["ls", "--json"], ["verify", "--json"]];
  const single = ids.flatMap((id, index) => [["show", id], ["backups", id], ["show", id, "--inspect"]].filter((_command, kind) => kind === index % 3));
  const wrong: unknown[] = [];
  for (const command of [...whole, ...single]) {
    const { status, text } = await run(...command);
    const acting = ACTING.exec(text);
    if (status === null || status === 1 || acting !== null) wrong.push([command, status, acting === null ? text.slice(0, 300) : JSON.stringify(text.slice(Math.max(0, acting.index - 60), acting.index + 20))]);
  }
  expect(wrong).toEqual([]);
});
