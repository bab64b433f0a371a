/** A directory that is away while the files of a conversation are read, and back before anything is concluded: it is looked for again. */
import { expect, test } from "vitest";
import { ConversationFollower } from "../../src/operations/watch/follow.js";
import { told } from "../doubles/conversations.js";
import { codeRejected } from "../doubles/error-code.js";
import { managerOver, memory } from "../doubles/managers.js";
import { wrappedStorage } from "../doubles/wrapped-storage.js";

test("what was away while its files were read and is back is loaded", async () => {
  const storage = memory();
  await told(managerOver(storage), "chat", 1);
  for (const name of await storage.list("backup")) await storage.remove({ area: "backup", name });
  let reads = 0;
  const back = wrappedStorage(storage, {
    // The journal and the snapshot.
    read: (key, options) => ((reads += 1) <= 2 ? Promise.resolve(undefined) : storage.read(key, options)),
  });
  expect((await managerOver(back).load("chat"))?.metadata.messageCount).toBe(2);
});

test("a conversation whose directory is missing beside its backups is never told as removed", async () => {
  const storage = memory();
  await told(managerOver(storage), "chat", 1);
  const away = wrappedStorage(storage, {
    exists: () => Promise.resolve(false),
    read: () => Promise.resolve(undefined),
    stat: () => Promise.resolve(undefined),
  });
  expect(await codeRejected(new ConversationFollower(away, "chat").look())).toBe("STORAGE");
});
