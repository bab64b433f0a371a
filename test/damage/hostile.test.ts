/**
 * Hostile files, one at a time beside a healthy conversation: whatever is asked gives an answer or a named error, and
 * soon; nothing reaches a prototype, the healthy one is served, and no command prints a raw control character or ends with 1.
 */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { DraftstateError } from "../../src/errors.js";
import { MAX_DEPTH } from "../../src/model/json.js";
import { MAX_FILE_BYTES } from "../../src/store/codec.js";
import { createDraftStatePersistenceManager } from "../../src/create-manager.js";
import type { Conversation } from "../../src/session/conversation.js";
import type { DraftStatePersistenceManager } from "../../src/manager.js";
import { codeRejected } from "../doubles/error-code.js";
import { Victim } from "../process/victim.js";
import {
  CONTENTS,
  GOOD,
  oddNames,
  PLACES,
  sealedSnapshot,
  SOUND,
  THINGS,
  type Directories,
  type Plant,
} from "./hostile-files.js";

const BAD = "bad";
const LATER = "2027-01-14T21-30-00-000Z";
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
    open: async () => goOnWith(await manager.open(id, { expect: "existing" })),
    restore: () => manager.restore(id, "latest"),
    backup: () => manager.backup(id),
    repair: () => manager.repair(id),
  };
}

/** What can be opened can be gone on with: what is acknowledged is there, also when it was only in the journal. */
async function goOnWith(conversation: Conversation): Promise<void> {
  conversation.update((draft) => {
    (draft as unknown as { touched: boolean }).touched = true;
  });
  await conversation.flush();
  const read = async (): Promise<unknown> => manager.loadState(conversation.id).catch((error: unknown) => error);
  const states = [await read()];
  await conversation.close();
  states.push(await read());
  if (!states.every((state) => (state as { touched?: boolean } | null)?.touched === true))
    throw new TypeError(`acknowledged, and then ${String(states)}`);
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
  test.each(Object.entries({ ...CONTENTS, ...SOUND }))(
    "%s is answered for, and the conversation beside it served",
    async (_name, plant) => {
      await plant(BAD, directories);
      await askAll(BAD);
    },
  );

  const REFUSED_RECORDS = Object.entries(CONTENTS).filter(([name]) =>
    /^(?:a change|a value|a whole state|an? (?:negative )?index|a path|a record)/.test(name),
  );

  test.each(REFUSED_RECORDS)(
    "%s in its journal is not applied, not even in part, and named as a problem",
    async (_name, plant) => {
      await plant(BAD, directories);
      const loaded = await manager.load(BAD);
      expect(Object.entries(loaded?.state ?? {})).toEqual([["messages", []]]);
      expect(Object.getPrototypeOf(loaded?.state)).toBe(Object.prototype);
      expect(loaded?.problems).not.toEqual([]);
    },
  );

  test("an operation that is an escape sequence in its journal is taken for a newer version's, and not applied", async () => {
    await CONTENTS["an operation that is an escape sequence"]?.(BAD, directories);
    expect(await codeRejected(manager.load(BAD))).toBe("NEWER_VERSION");
  });

  test.each(Object.entries(SOUND))("%s is sound: it loads, verifies and continues", async (_name, plant) => {
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

test("nesting up to the limit loads, one level more is refused: by a file, and before it becomes one", async () => {
  const nested = (levels: number): string => `${"[".repeat(levels)}${"]".repeat(levels)}`;
  // The document itself is the first level.
  for (const [id, levels] of [
    ["within", MAX_DEPTH - 1],
    ["beyond", MAX_DEPTH],
  ] as const) {
    await writeFile(join(directories.stateDir, `${id}.json`), sealedSnapshot(id, `  "a": ${nested(levels)},\n`));
  }
  expect(await manager.loadState("within")).toEqual({ a: JSON.parse(nested(MAX_DEPTH - 1)) as unknown });
  await expect(manager.loadState("beyond")).rejects.toMatchObject({ code: "CORRUPT" });
  await expect(manager.saveState("new", { a: JSON.parse(nested(MAX_DEPTH)) as unknown })).rejects.toMatchObject({
    code: "INVALID_STATE",
  });
});

describe("a backup that would decompress beyond the limit", TIMEOUT, () => {
  const backup = (bytes: Uint8Array): Promise<void> =>
    writeFile(join(directories.backupDir, `${GOOD}_${LATER}.json.gz`), bytes);

  const found = async (): Promise<unknown> =>
    (await manager.listBackups(GOOD)).find((each) => each.timestamp === LATER);

  test("and says so is refused before the work", async () => {
    const honest = gzipSync(Buffer.from("{}"));
    honest.writeUInt32LE(MAX_FILE_BYTES + 1, honest.length - 4);
    await backup(honest);
    expect(await found()).toMatchObject({
      valid: false,
      problem: expect.stringMatching(/would have \d+ bytes when decompressed, more than the limit/) as string,
    });
  });

  test("and says nothing of it is refused at the limit", async () => {
    const member = gzipSync(Buffer.alloc(2 ** 20, 0x20));
    await backup(Buffer.concat(Array.from({ length: 401 }, () => member)));
    expect(await found()).toMatchObject({
      valid: false,
      problem: expect.stringContaining(`limit of ${MAX_FILE_BYTES}`) as string,
    });
  });
});

test("a backup at a time that does not exist is nobody's; one at the end of all times leaves room for more", async () => {
  await writeFile(join(directories.backupDir, `${GOOD}_2026-99-99T99-99-99-999Z.json`), "{}");
  await writeFile(join(directories.backupDir, `${GOOD}_9999-12-31T23-59-59-999Z.json`), "{}");
  const conversation = await manager.open(GOOD, { expect: "existing" });
  conversation.update((draft) => {
    draft.currentNarrative = "changed";
  });
  const timestamp = await conversation.backup();
  await conversation.close();
  expect((await manager.listBackups(GOOD)).map((each) => [each.timestamp, each.valid])).toEqual([
    [timestamp, true],
    [expect.any(String), true],
    ["9999-12-31T23-59-59-999Z", false],
  ]);
});

/** Each hostile file as a conversation of its own, in one pair of directories. */
async function plantAll(): Promise<string[]> {
  const things = Object.values(PLACES).flatMap((makePlace) =>
    Object.values(THINGS).map(
      (make): Plant =>
        async (id, where) =>
          make(await makePlace(id, where)),
    ),
  );
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

test(
  "no command over all of them at once hangs, ends with 1, or prints what could act on a terminal",
  { timeout: 240_000 },
  async () => {
    const ids = await plantAll();
    const whole = [["ls"], ["verify"], ["prune", "--dry-run"], ["show", GOOD], ["ls", "--json"], ["verify", "--json"]];
    const telling = [...Object.keys(CONTENTS), ...Object.keys(SOUND)].flatMap((name, index) =>
      /escape sequence|class of its own|FIFO|newer|time/.test(name) ? [ids[index] as string] : [],
    );
    const single = telling.flatMap((id) => [
      ["show", id],
      ["backups", id],
    ]);
    const wrong: unknown[] = [];
    for (const command of [...whole, ...single]) {
      const { status, text } = await run(...command);
      const acting = ACTING.exec(text);
      if (status === null || status === 1 || acting !== null)
        wrong.push([
          command,
          status,
          acting === null
            ? text.slice(0, 300)
            : JSON.stringify(text.slice(Math.max(0, acting.index - 60), acting.index + 20)),
        ]);
    }
    expect(wrong).toEqual([]);
  },
);
