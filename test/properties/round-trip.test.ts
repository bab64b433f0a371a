/** Any JSON and any Unicode comes back exactly, whichever way it went: snapshot, journal, backup, compression, files. What JSON cannot carry is refused, and nothing is written. */
import * as fc from "fast-check";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { isDraftstateError } from "../../src/errors.js";
import type { JsonObject } from "../../src/model/json.js";
import { createDraftStatePersistenceManager } from "../../src/create-manager.js";
import { COMPRESSIONS, type Compression } from "../../src/store/names.js";
import { canonical } from "../damage/specimen.js";
import { codeRejected } from "../doubles/error-code.js";
import { anyObject } from "../doubles/json-values.js";
import { answering } from "../doubles/answering.js";
import { managerOver, memory } from "../doubles/managers.js";
import { runs, timeFor } from "./runs.js";

const ID = "any";
const EMPTY: JsonObject = {};

async function viaSnapshot(state: JsonObject): Promise<unknown> {
  const storage = memory();
  const writer = managerOver(storage);
  await writer.saveState(ID, state);
  await writer.close();
  expect(await storage.list("state")).toEqual([`${ID}.json`]);
  return managerOver(storage).loadState(ID);
}

/** From one state to the next by the difference alone, read by another while the writer has it open. */
async function viaJournal(before: JsonObject, after: JsonObject): Promise<unknown> {
  const storage = memory();
  const writer = managerOver(storage);
  const conversation = await writer.open(ID, { initial: EMPTY });
  conversation.replaceState(before);
  await conversation.flush();
  await conversation.compact();
  conversation.replaceState(after);
  await conversation.flush();
  if (canonical(before) !== canonical(after))
    expect(await storage.list("state")).toEqual([`${ID}.journal`, `${ID}.json`]);
  const seen = await managerOver(storage).loadState(ID);
  await conversation.close();
  return seen;
}

async function viaBackup(state: JsonObject, compression: Compression): Promise<unknown> {
  const manager = managerOver(memory(), { compression });
  const conversation = await manager.open(ID, { initial: EMPTY });
  conversation.replaceState(state);
  const timestamp = await conversation.backup();
  conversation.replaceState({});
  await conversation.flush();
  await manager.restore(ID, timestamp);
  const seen = await manager.loadState(ID);
  await conversation.close();
  return seen;
}

/** The `zstd` of Node.js comes with 22.15. */
async function isHere(compression: Compression): Promise<boolean> {
  try {
    managerOver(memory(), { compression });
    return true;
  } catch (error) {
    if (isDraftstateError(error, "INVALID_CONFIG")) return false;
    throw error;
  }
}

describe("any JSON object comes back exactly", () => {
  test("by a snapshot", timeFor(150), async () => {
    await fc.assert(
      fc.asyncProperty(anyObject, async (state) => {
        expect(canonical(await viaSnapshot(state))).toBe(canonical(state));
      }),
      runs(150),
    );
  });

  test("by a journal, as the difference from any other", timeFor(250), async () => {
    await fc.assert(
      fc.asyncProperty(anyObject, anyObject, async (before, after) => {
        expect(canonical(await viaJournal(before, after))).toBe(canonical(after));
      }),
      runs(250),
    );
  });

  test.each(COMPRESSIONS)("by a backup and a restore, compression %s", timeFor(60), async (compression) => {
    if (!(await isHere(compression))) return;
    await fc.assert(
      fc.asyncProperty(anyObject, async (state) => {
        expect(canonical(await viaBackup(state, compression))).toBe(canonical(state));
      }),
      runs(60),
    );
  });

  test("by real files", timeFor(30), async () => {
    const directory = await mkdtemp(join(tmpdir(), "draftstate-any-"));
    const manager = createDraftStatePersistenceManager({
      stateDir: join(directory, "state"),
      backupDir: join(directory, "backup"),
      autoSave: false,
    });
    let count = 0;
    await fc.assert(
      fc.asyncProperty(anyObject, async (state) => {
        const id = `any-${(count += 1)}`;
        await manager.saveState(id, state);
        expect(canonical(await manager.loadState(id))).toBe(canonical(state));
      }),
      runs(30),
    );
    await manager.close();
    await rm(directory, { recursive: true, force: true });
  });
});

test("any text comes back token by token, wherever it was cut", timeFor(100), async () => {
  const units = fc.array(
    fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 5 }).map((codes) => String.fromCharCode(...codes)),
    { maxLength: 20 },
  );
  await fc.assert(
    fc.asyncProperty(units, async (tokens) => {
      const storage = memory();
      const conversation = await managerOver(storage).open(ID);
      answering(conversation);
      for (const token of tokens) conversation.appendToken(token);
      await conversation.flush();
      const seen = await managerOver(storage).loadState(ID);
      expect(seen?.streamingProperties.partialResponse).toBe(tokens.join(""));
      await conversation.close();
    }),
    runs(100),
  );
});

test("what JSON cannot carry is refused with INVALID_STATE, and what was there stays", timeFor(100), async () => {
  const foreign = fc.constantFrom<unknown>(
    undefined,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    -0,
    1n,
    new Date(0),
    new Map(),
    Symbol("s"),
    () => 1,
    JSON.parse('{"__proto__":1}'),
  );
  await fc.assert(
    fc.asyncProperty(anyObject, foreign, fc.constantFrom("top", "object", "list"), async (state, value, place) => {
      const manager = managerOver(memory());
      await manager.saveState(ID, state);
      const wrong = { ...state, wrong: place === "top" ? value : place === "object" ? { deep: value } : [1, value] };
      expect(await codeRejected(manager.saveState(ID, wrong))).toBe("INVALID_STATE");
      expect(canonical(await manager.loadState(ID))).toBe(canonical(state));
      await manager.close();
    }),
    runs(100),
  );
});
