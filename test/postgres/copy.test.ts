/** From files to PostgreSQL and back: every conversation, with its backups and trash, equal by checksum. */
import { createHash } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createDraftStatePersistenceManager } from "../../src/create-manager.js";
import type { DraftStatePersistenceManager } from "../../src/manager.js";
import type { Storage } from "../../src/storage/storage.js";
import { PostgresServer } from "./server.js";

const CONVERSATIONS = process.env["DRAFTSTATE_POSTGRES_DEPTH"] === "full" ? 1000 : 40;

let server: PostgresServer;
let directory: string;

beforeAll(async () => {
  server = PostgresServer.shared();
  directory = await mkdtemp(join(tmpdir(), "draftstate-copy-"));
});
afterAll(async () => {
  await server.stop();
  await rm(directory, { recursive: true, force: true });
});

function onFiles(name: string): DraftStatePersistenceManager {
  const [stateDir, backupDir] = [join(directory, name, "state"), join(directory, name, "backup")];
  return createDraftStatePersistenceManager({
    stateDir,
    backupDir,
    durability: "relaxed",
    metrics: false,
    autoSave: false,
  });
}

async function checksums(storage: Storage): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const area of ["state", "backup", "trash"] as const)
    for (const name of await storage.list(area))
      found[`${area}/${name}`] = createHash("sha256")
        .update((await storage.read({ area, name })) ?? "")
        .digest("hex");
  return found;
}

test(`${CONVERSATIONS} conversations, there and back`, { timeout: 900_000 }, async () => {
  const source = onFiles("source");
  for (let index = 0; index < CONVERSATIONS; index += 1) {
    const id = `chat-${index}`;
    const content = index === 0 ? "long ".repeat(500_000) : `Hello ${index}`;
    await source.saveState(id, {
      messages: [{ id: "1", role: "user", content, createdAt: new Date(0).toISOString() }],
    });
    await source.backup(id);
    if (index % 10 === 9) await source.remove(id);
  }
  await source.close();
  const before = await checksums(source.storage);
  const storage = server.storage();
  const between = createDraftStatePersistenceManager({ storage, metrics: false });
  const back = onFiles("back");
  const began = performance.now();
  const there = await onFiles("source").copyTo(between);
  const middle = performance.now();
  const again = await between.copyTo(back);
  const ended = performance.now();
  const bytes = there.copied.reduce((sum, { bytes }) => sum + bytes, 0);
  console.log(
    `copied ${there.copied.length} conversations, ${(bytes / 1e6).toFixed(1)} MB: to PostgreSQL ${Math.round(middle - began)} ms, back ${Math.round(ended - middle)} ms`,
  );
  expect([there.failed, again.failed, there.copied.length]).toEqual([[], [], CONVERSATIONS]);
  expect(await checksums(storage)).toEqual(before);
  expect(await checksums(back.storage)).toEqual(before);
  expect((await between.verify()).problems).toEqual([]);
  expect((await between.list()).length).toBe(CONVERSATIONS - Math.floor(CONVERSATIONS / 10));
  await Promise.all([between.close(), back.close()]);
  await storage.close();
});
