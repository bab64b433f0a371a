/** Backups that somebody else put into the directory, with a valid checksum and a claim that nobody could outdo. */
import { beforeEach, expect, test } from "vitest";
import { metadataOf, type Version } from "../../src/model/conversation.js";
import { encodeSnapshot } from "../../src/snapshot/encode.js";
import type { MemoryStorage } from "../../src/storage/memory.js";
import { snapshotKey } from "../../src/store/names.js";
import { codeRejected } from "../doubles/error-code.js";
import { managerOver, memory, turn } from "../doubles/managers.js";

let storage: MemoryStorage;
let created: string;

async function plant(timestamp: string, revision: number): Promise<string> {
  const state = { messages: [{ role: "user", content: "planted" }] };
  const version: Version = { state, info: { createdAt: created }, revision };
  const metadata = { ...metadataOf(version, "chat", created), backup: { reason: "manual" as const, pinned: true } };
  const name = `chat_${timestamp}.json`;
  await storage.replace({ area: "backup", name }, encodeSnapshot(state, metadata));
  return name;
}

beforeEach(async () => {
  storage = memory();
  const manager = managerOver(storage);
  const conversation = await manager.open("chat");
  await turn(conversation, "Tell", "a", "b");
  created = conversation.info.createdAt;
  await manager.close();
});

test.each([
  ["2026-01-14T22-00-00-000Z", 2 ** 52 - 1],
  ["2026-01-14T22-00-00-000Z", 2 ** 41],
  ["9999-12-31T23-59-59-998Z", 5],
  ["2999-01-01T00-00-00-000Z", 6],
])("one of %s and revision %d is not the newest, is reported, and raises nothing", async (timestamp, revision) => {
  const name = await plant(timestamp, revision);
  const manager = managerOver(storage);
  const backups = await manager.listBackups("chat");
  expect(backups.map(({ valid }) => valid)).toEqual([true, false]);
  expect((await manager.readBackup("chat", "latest")).backup.name).not.toBe(name);
  expect(await codeRejected(manager.restore("chat", timestamp))).toBe("CORRUPT");
  expect(JSON.stringify(await manager.verify("chat"))).toMatch(/year (9999|2999)|higher than any/);
  const conversation = await manager.open("chat");
  await turn(conversation, "More", "c");
  expect(conversation.revision).toBeLessThan(30);
  const [newest] = await manager.listBackups("chat");
  expect([newest?.revision, newest?.timestamp.slice(0, 4)]).toEqual([conversation.revision, "2026"]);
  await manager.close();
});

test("one is not what a damaged conversation is recovered from", async () => {
  await plant("2026-01-14T22-00-00-000Z", 2 ** 52);
  await storage.replace(snapshotKey("chat"), Buffer.from("{"));
  const manager = managerOver(storage);
  const conversation = await manager.open("chat");
  expect(JSON.stringify(conversation.state)).not.toContain("planted");
  expect(conversation.revision).toBeLessThan(30);
  await manager.close();
});
