/** A moment without file descriptors is waited out at every call, and told; what cannot pass, or was half done, is not repeated. */
import { describe, expect, test } from "vitest";
import { managerOver, begin } from "../doubles/managers.js";
import { FaultyFileSystem, type CallKind } from "../doubles/faulty-file-system.js";
import { SimulatedFileSystem } from "../doubles/simulated-file-system.js";
import { storageOver } from "../doubles/storage-over.js";
import { isTransient, withRetry, type RetryEvent } from "../../src/storage/retry.js";
import { RetryingFileSystem } from "../../src/storage/retrying-file-system.js";

function retrying(attempts = 3): { fs: FaultyFileSystem; retries: RetryEvent[]; over: RetryingFileSystem } {
  const fs = new FaultyFileSystem(new SimulatedFileSystem());
  const retries: RetryEvent[] = [];
  const over = new RetryingFileSystem(fs, {
    attempts,
    delay: 0,
    random: () => 0.5,
    onRetry: (event) => void retries.push(event),
  });
  return { fs, retries, over };
}

async function wholeLife(over: RetryingFileSystem): Promise<string | undefined> {
  const manager = managerOver(storageOver(over));
  const conversation = await manager.open("chat");
  begin(conversation, "Tell me");
  await conversation.flush();
  conversation.appendToken("Once");
  await conversation.flush();
  await conversation.compact();
  await conversation.backup();
  await conversation.close();
  return (await manager.loadState("chat"))?.currentNarrative;
}

const REPEATED: readonly CallKind[] = [
  "makeDirectory",
  "openForReading",
  "createFile",
  "rename",
  "link",
  "unlink",
  "syncDirectory",
  "list",
  "stat",
];

describe("EMFILE at any call of a conversation's life", () => {
  test.each(REPEATED)("%s: is waited out", async (kind) => {
    const measured = retrying();
    await wholeLife(measured.over);
    for (let at = 1; at <= measured.fs.callsOf(kind); at += 1) {
      const { fs, retries, over } = retrying();
      fs.setFault({ code: "EMFILE", at, only: [kind] });
      expect(await wholeLife(over)).toBe("Once");
      expect(retries.length, `${kind} ${at}`).toBe(1);
    }
  });
});

test("what cannot pass is not tried again", async () => {
  const { fs, retries, over } = retrying();
  fs.setFault({ code: "EACCES", at: 1, only: ["createFile"] });
  await expect(wholeLife(over)).rejects.toMatchObject({ code: "STORAGE" });
  expect(retries).toEqual([]);
});

test("a directory sync that failed is not asked again", async () => {
  const { fs, retries, over } = retrying();
  await over.makeDirectory("/x");
  fs.setFault({ code: "EINTR", at: 1, only: ["syncDirectory"] });
  await expect(over.syncDirectory("/x")).rejects.toMatchObject({ code: "EINTR" });
  expect(retries).toEqual([]);
});

test("attempts that are used up are not begun anew by the caller", async () => {
  const { fs, over } = retrying(2);
  fs.setFault({ code: "EMFILE", at: 1, lasting: "from-then-on", only: ["createFile"] });
  const policy = { attempts: 5, delay: 0, random: () => 0.5, onRetry: () => undefined };
  const error: unknown = await withRetry("above", policy, () => over.createFile("/f")).catch(
    (reason: unknown) => reason,
  );
  expect(fs.callsOf("createFile")).toBe(3);
  expect(isTransient(error)).toBe(false);
});
