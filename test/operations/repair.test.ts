/** The two ways on from a snapshot that was edited by hand: signed as it is, or back to backup and journal. */
import { describe, expect, test } from "vitest";
import { codeRejected } from "../doubles/error-code.js";
import { managerOver, memory, turn } from "../doubles/managers.js";

const KEY = { area: "state", name: "chat.json" } as const;

async function edited() {
  const storage = memory();
  const manager = managerOver(storage);
  const conversation = await manager.open("chat");
  await turn(conversation, "Tell me", "Once", " upon");
  const { revision } = conversation;
  await conversation.close();
  const text = Buffer.from((await storage.read(KEY)) ?? []).toString();
  await storage.replace(KEY, Buffer.from(text.replaceAll("upon", "under")));
  return { storage, manager, revision };
}

describe("a snapshot that was edited by hand", () => {
  test("is not loaded, and not written to", async () => {
    const { manager } = await edited();
    expect(await codeRejected(manager.loadState("chat"))).toBe("CORRUPT");
    expect(await codeRejected(manager.open("chat"))).toBe("CORRUPT");
  });

  test("is signed as a new revision with accept, and what was found stays in quarantine", async () => {
    const { storage, manager, revision } = await edited();
    const result = await manager.repair("chat", { accept: true });
    expect(result).toMatchObject({ repaired: true, revision: revision + 1 });
    expect(result.quarantined).toHaveLength(1);
    expect(await storage.list("quarantine")).toHaveLength(1);
    expect(await manager.loadState("chat")).toMatchObject({ currentNarrative: "Once under" });
    expect((await manager.verify("chat")).ok).toBe(true);
  });

  test("goes back to the backup without accept, under a revision that was never used", async () => {
    const { manager, revision } = await edited();
    const result = await manager.repair("chat");
    expect(result.repaired).toBe(true);
    expect(result.revision).toBeGreaterThan(revision);
    expect(await manager.loadState("chat")).toMatchObject({ currentNarrative: "Once upon" });
    expect((await manager.verify("chat")).ok).toBe(true);
  });
});

describe("an edit that was signed and undone", () => {
  test.each(["at once", "after another turn"])("%s is not what repair goes back to", async (when) => {
    const { manager, revision } = await edited();
    await manager.repair("chat", { accept: true });
    if (when !== "at once") {
      const conversation = await manager.open("chat");
      await turn(conversation, "And then?", "The end");
      await conversation.close();
    }
    await manager.undo("chat");
    const [newest] = await manager.listBackups("chat");
    const result = await manager.repair("chat");
    expect(await manager.loadState("chat")).toMatchObject({ currentNarrative: "Once upon" });
    expect(result.revision).toBeGreaterThan(Math.max(revision, newest?.revision ?? 0));
    expect(await manager.verify("chat")).toMatchObject({ ok: true });
    // Its backup is a way back to it.
    await manager.restore("chat", newest?.timestamp ?? "");
    expect(await manager.loadState("chat")).toMatchObject({
      currentNarrative: when === "at once" ? "Once under" : "The end",
    });
  });

  test("says nothing of what came after another repair", async () => {
    const { storage, manager } = await edited();
    const copy = (await storage.read(KEY)) ?? new Uint8Array();
    await manager.repair("chat", { accept: true });
    await manager.undo("chat");
    await manager.repair("chat");
    const conversation = await manager.open("chat");
    await turn(conversation, "And then?", "The end");
    await conversation.close();
    // As from a copy that a person kept.
    await storage.replace(KEY, copy);
    await manager.repair("chat");
    expect(await manager.loadState("chat")).toMatchObject({ currentNarrative: "The end" });
  });

  test("is what repair goes back to where there is nothing else", async () => {
    const { storage, manager } = await edited();
    for (const name of await storage.list("backup")) await storage.remove({ area: "backup", name });
    await manager.repair("chat", { accept: true });
    await manager.undo("chat");
    expect(await manager.repair("chat")).toMatchObject({ repaired: true });
    expect(await manager.loadState("chat")).toMatchObject({ currentNarrative: "Once under" });
  });

  test("and done again is, once it was edited further", async () => {
    const { storage, manager } = await edited();
    await manager.repair("chat", { accept: true });
    await manager.undo("chat");
    await manager.redo("chat");
    const text = Buffer.from((await storage.read(KEY)) ?? []).toString();
    await storage.replace(KEY, Buffer.from(text.replaceAll("under", "over")));
    await manager.repair("chat");
    expect(await manager.loadState("chat")).toMatchObject({ currentNarrative: "Once under" });
  });
});

test("a conversation in order needs no repair, and has nothing to accept", async () => {
  const manager = managerOver(memory());
  const conversation = await manager.open("chat");
  await turn(conversation, "Tell me", "Once");
  const { revision } = conversation;
  await conversation.close();
  expect(await manager.repair("chat")).toMatchObject({ repaired: false, revision, problems: [] });
  expect(await codeRejected(manager.repair("chat", { accept: true }))).toBe("USAGE");
});

test("a conversation with nothing valid left is not touched by repair", async () => {
  const storage = memory();
  const manager = managerOver(storage);
  await storage.prepare();
  await storage.replace(KEY, Buffer.from("{ torn"));
  expect(await codeRejected(manager.repair("chat"))).toBe("CORRUPT");
  expect(Buffer.from((await storage.read(KEY)) ?? []).toString()).toBe("{ torn");
});
