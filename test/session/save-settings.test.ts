/** What a crash loses under each combination of the save settings, as the table in docs/settings.md has it. */
import { expect, test } from "vitest";
import type { ManagerOptions } from "../../src/manager.js";
import { answering } from "../doubles/answering.js";
import { managerOver, memory } from "../doubles/managers.js";

interface Left {
  readonly token: boolean;
  readonly change: boolean;
}

const soon = (ms = 5): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** On disk after each kind of change alone, before anything else is done. */
async function savedBy(options: ManagerOptions, wait = 5): Promise<Left> {
  const saved = async (change: "token" | "change"): Promise<boolean> => {
    const manager = managerOver(memory(), options);
    const conversation = await manager.open("chat");
    answering(conversation);
    await conversation.flush();
    await soon();
    const release = conversation.beginAnswer();
    if (change === "token") conversation.appendToken("Once");
    else conversation.update((draft) => void (draft.currentNarrative = "Once"));
    await soon(wait);
    const isSaved = conversation.durableRevision === conversation.revision;
    release();
    await manager.close();
    return isSaved;
  };
  return { token: await saved("token"), change: await saved("change") };
}

const ALL = { token: true, change: true };
const NONE = { token: false, change: false };

test.each<[string, ManagerOptions, Left]>([
  ["nothing said", {}, ALL],
  ["saveOnToken off", { saveOnToken: false }, { token: false, change: true }],
  ["saveOnStateChange off", { saveOnStateChange: false }, { token: true, change: false }],
  ["both off", { saveOnToken: false, saveOnStateChange: false }, NONE],
  ["realTimeSave off", { realTimeSave: false, saveOnToken: true, saveOnStateChange: true }, NONE],
])("saved at once with %s", async (_label, options, expected) => {
  expect(await savedBy(options)).toEqual(expected);
});

test("the timer saves what waits within its interval, whatever the others say", async () => {
  const options = { realTimeSave: false, autoSave: true, autoSaveInterval: 10 };
  expect(await savedBy(options, 60)).toEqual(ALL);
});

test("a save of one kind takes what waits of the other", async () => {
  const manager = managerOver(memory(), { saveOnToken: false });
  const conversation = await manager.open("chat");
  conversation.beginAnswer();
  answering(conversation);
  conversation.appendToken("Once");
  conversation.updateInfo({ title: "A whale" });
  await soon();
  expect(conversation.durableRevision).toBe(conversation.revision);
  await manager.close();
});

test.each(["flush", "endTurn", "backup", "close"] as const)("%s saves under every setting", async (method) => {
  const storage = memory();
  const conversation = await managerOver(storage, { realTimeSave: false }).open("chat");
  const release = conversation.beginAnswer();
  answering(conversation);
  conversation.appendToken("Once");
  release();
  await conversation[method]();
  expect((await managerOver(storage).loadState("chat"))?.currentNarrative).toBe("Once");
});
