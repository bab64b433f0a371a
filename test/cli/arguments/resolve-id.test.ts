/** How a person names a conversation, and what is refused since it could mean two. */
import { expect, test } from "vitest";
import { resolveId } from "../../../src/cli/arguments/resolve-id.js";
import type { DraftStatePersistenceManager } from "../../../src/manager.js";
import { codeRejected } from "../../doubles/error-code.js";
import { managerOver, memory } from "../../doubles/managers.js";

async function holding(...ids: readonly string[]): Promise<DraftStatePersistenceManager> {
  const manager = managerOver(memory());
  for (const id of ids) await manager.saveState(id, { a: 1 });
  return manager;
}

const IDS = ["draft_chat_1700000000123", "draft_chat_1700000000456", "tale", "tales-456"] as const;

test.each([
  ["tale", "tale"],
  ["draft_chat_1700000000456", "draft_chat_1700000000456"],
  ["0123", IDS[0]],
  ["123", IDS[0]],
  ["tales", "tales-456"],
  ["-456", "tales-456"],
  ["@last", "tales-456"],
  ["@0", "tales-456"],
  ["@2", IDS[1]],
])("%s is %s", async (wanted, id) => {
  const manager = await holding(...IDS);
  expect(await resolveId(manager, wanted)).toBe(id);
  await manager.close();
});

test.each([
  ["456", "USAGE"],
  ["draft", "USAGE"],
  ["23", "NOT_FOUND"],
  ["", "NOT_FOUND"],
  ["@4", "NOT_FOUND"],
  ["nobody", "NOT_FOUND"],
])("%j is refused as %s", async (wanted, code) => {
  const manager = await holding(...IDS);
  expect(await codeRejected(resolveId(manager, wanted))).toBe(code);
  await manager.close();
});
