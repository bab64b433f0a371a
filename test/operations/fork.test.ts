/** A copy under a new id: as it is, or as it was. The original is only read. */
import { describe, expect, test } from "vitest";
import { contents } from "../doubles/contents.js";
import { damage, edit, told } from "../doubles/conversations.js";
import { codeRejected } from "../doubles/error-code.js";
import { begin, managerOver, memory, turn } from "../doubles/managers.js";
import { sampleMetadata } from "../doubles/snapshots.js";
import { encodeSnapshot } from "../../src/snapshot/encode.js";
import { initialState } from "../../src/model/conversation.js";
import { freezeJson, type JsonObject } from "../../src/model/json.js";

describe("a fork", () => {
  test("holds the same state under its own id, with a backup of where it began; the original stays as it is", async () => {
    const storage = memory();
    const manager = managerOver(storage);
    await told(manager, "chat");
    const before = await contents(storage);
    const forked = await manager.fork("chat", { newId: "idea" });
    expect(forked).toMatchObject({ conversationId: "idea", forkedFrom: "chat", backup: null });
    expect(await manager.loadState("idea")).toEqual(await manager.loadState("chat"));
    expect(await manager.listBackups("idea")).toHaveLength(1);
    expect(await contents(storage)).toMatchObject(before);
  });

  test("of a backup holds what that held", async () => {
    const manager = managerOver(memory());
    await told(manager, "chat", 3);
    const [, second] = await manager.listBackups("chat");
    const forked = await manager.fork("chat", { newId: "idea", backup: "~1" });
    expect(forked.backup).toBe(second?.timestamp);
    expect(await manager.loadState("idea")).toMatchObject({ currentNarrative: "Once upon 2" });
  });

  test("without an id gets a name as chat gives them", async () => {
    const manager = managerOver(memory());
    await told(manager, "chat");
    expect((await manager.fork("chat")).conversationId).toMatch(/^draft_chat_\d+$/);
  });

  test("of an answer that is being told has it as interrupted; its writer continues", async () => {
    const storage = memory();
    const teller = managerOver(storage, { saveOnToken: true });
    const conversation = await teller.open("chat");
    begin(conversation, "Tell me");
    conversation.appendToken("half an");
    await conversation.flush();
    const other = managerOver(storage);
    await other.fork("chat", { newId: "idea" });
    expect(await other.load("idea")).toMatchObject({
      metadata: { status: "interrupted" },
      state: { messages: [{ role: "user" }, { status: "interrupted", content: "half an" }] },
    });
    conversation.appendToken(" answer");
    await conversation.flush();
    expect(await other.load("chat")).toMatchObject({
      metadata: { status: "streaming" },
      state: { streamingProperties: { partialResponse: "half an answer" } },
    });
    await conversation.close();
  });

  test("keeps title, model, base URL and metadata that this version does not know", async () => {
    const storage = memory();
    await storage.prepare();
    const metadata = { ...sampleMetadata(), title: "Mine", baseUrl: "http://localhost:1" };
    await storage.replace(
      { area: "state", name: "chat.json" },
      encodeSnapshot(freezeJson(initialState()) as JsonObject, metadata),
    );
    const manager = managerOver(storage);
    await manager.fork("chat", { newId: "idea" });
    const { title, model, baseUrl, extra } = metadata;
    expect((await manager.load("idea"))?.metadata).toMatchObject({ title, model, baseUrl, extra });
    expect((await manager.load("idea"))?.metadata.createdAt).not.toBe(metadata.createdAt);
  });

  test("goes its own way", async () => {
    const manager = managerOver(memory());
    await told(manager, "chat");
    const before = await manager.loadState("chat");
    await manager.fork("chat", { newId: "idea" });
    const conversation = await manager.open("idea");
    await turn(conversation, "Another", "Another");
    await conversation.close();
    expect(await manager.loadState("chat")).toEqual(before);
  });
});

describe("a fork is refused", () => {
  test.each([
    ["of one that is not there", "nobody", "idea", "NOT_FOUND"],
    ["under an id that is taken", "chat", "chat", "INVALID_ID"],
    ["under an id that differs by case alone", "chat", "Chat", "INVALID_ID"],
    ["under no possible id", "chat", "../idea", "INVALID_ID"],
  ])("%s", async (_what, id, newId, code) => {
    const storage = memory();
    const manager = managerOver(storage);
    await told(manager, "chat");
    const before = await contents(storage);
    expect(await codeRejected(manager.fork(id, { newId }))).toBe(code);
    expect(await contents(storage)).toEqual(before);
  });

  test("of one that was edited or lost, and of a backup that is not there or damaged", async () => {
    const storage = memory();
    const manager = managerOver(storage);
    await told(manager, "chat");
    expect(await codeRejected(manager.fork("chat", { newId: "idea", backup: "~9" }))).toBe("NOT_FOUND");
    const [name = ""] = (await storage.list("backup")).slice(-1);
    await storage.replace({ area: "backup", name }, Buffer.from("torn"));
    expect(
      await codeRejected(
        manager.fork("chat", {
          newId: "idea",
          backup: (await manager.listBackups("chat")).find(({ valid }) => !valid)?.timestamp ?? "",
        }),
      ),
    ).toBe("CORRUPT");
    await edit(storage, "chat", "upon", "under");
    expect(await codeRejected(manager.fork("chat", { newId: "idea" }))).toBe("CORRUPT");
    await damage(storage, "chat");
    expect((await manager.fork("chat", { newId: "idea" })).revision).toBe(1);
  });
});

describe("a tag", () => {
  test.each(["", "latest", "now", "~1", "2026", "2026-01-14", "two words", "a@b", "x".repeat(65), "bell\u0007"])(
    "%j is refused: it could not be gone back to",
    async (tag) => {
      const manager = managerOver(memory());
      await told(manager, "chat", 1);
      expect(await codeRejected(manager.backup("chat", { reason: "manual", tag }))).toBe("USAGE");
      await manager.close();
    },
  );

  test.each(["before-the-dragon", "2026-dragons", "ünï", "v1.2"])("%j names its backup", async (tag) => {
    const manager = managerOver(memory());
    await told(manager, "chat", 1);
    const timestamp = await manager.backup("chat", { reason: "manual", tag });
    await told(manager, "chat", 1);
    expect((await manager.restore("chat", tag)).restoredFrom).toBe(timestamp);
    await manager.close();
  });
});
