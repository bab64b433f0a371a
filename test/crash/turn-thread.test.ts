/**
 * A turn's LangGraph thread is built from its conversation and never stored: while it waits there is one lock, one thing to verify and one
 * backup, and on every disk that a crash leaves, the thread that a resumed turn begins says what the conversation says.
 */
import { tool } from "@langchain/core/tools";
import { expect, test } from "vitest";
import { z } from "zod";
import { DraftHybridStreamingAgent } from "../../src/agent/agent.js";
import type { Approve, CallDecision } from "../../src/agent/approval.js";
import type { DraftStatePersistenceManager } from "../../src/manager.js";
import { openCalls } from "../../src/model/tool-calls.js";
import { AREAS } from "../../src/storage/storage.js";
import { managerOver } from "../doubles/managers.js";
import { ProcessWorld } from "../doubles/process-world.js";
import { ScriptedModel } from "../doubles/scripted-model.js";
import { SimulatedFileSystem } from "../doubles/simulated-file-system.js";
import { storageOver } from "../doubles/storage-over.js";

const ID = "chat";
const CALLS = ["c1", "c2"].map((id) => ({ id, name: "look", args: { id } }));
/** Operations between two looks at the disk. */
const STEP = 7;

const look = tool(({ id }) => `result of ${id}`, {
  name: "look",
  description: "Looks.",
  schema: z.object({ id: z.string() }),
});

async function runTurn(
  manager: DraftStatePersistenceManager,
  model: ScriptedModel,
  prompt: string | undefined,
  approve: Approve,
): Promise<void> {
  const conversation = await manager.open(ID);
  const agent = new DraftHybridStreamingAgent({ manager, model, tools: [look], approve });
  for await (const event of agent.runTurn(conversation, prompt))
    if (event.type === "end" && event.error !== undefined) throw new Error(event.error.message);
  await conversation.close();
}

/** What a resumed turn asks about and tells its model, against what stands in the conversation that it begins from. */
async function disagreementOn(disk: SimulatedFileSystem): Promise<string | undefined> {
  const manager = managerOver(storageOver(disk, new ProcessWorld("boot-2").table(1), "r"));
  const messages = (await manager.loadState(ID))?.messages ?? [];
  const open = openCalls(messages).map(({ id }) => id);
  if (open.length === 0) return undefined;
  const asked: string[] = [];
  const model = new ScriptedModel(["Done."]);
  await runTurn(manager, model, undefined, ({ id }) => {
    asked.push(id);
    return { refuse: "no" };
  });
  await manager.close();
  if (asked.join() !== open.join()) return `asks about ${asked.join()} where ${open.join()} are open`;
  const given = (model.given[0] ?? []).flatMap((message) => (message.type === "tool" ? [message.text] : []));
  const results = CALLS.map(
    ({ id }) => messages.find(({ toolCallId }) => toolCallId === id)?.content ?? (open.includes(id) ? "no" : "nothing"),
  );
  const [told, stands] = [JSON.stringify(given), JSON.stringify(results)];
  return told === stands ? undefined : `tells ${told} where it stands ${stands}`;
}

test("thread and conversation share one lock, one verify, one backup, and no crash makes them disagree", async () => {
  const disk = new SimulatedFileSystem();
  const storage = storageOver(disk, new ProcessWorld().table(1), "n");
  const manager = managerOver(storage);
  const seen: unknown[] = [];
  let backup = "";
  await runTurn(manager, new ScriptedModel([CALLS, "Done."]), "Look.", async ({ id }): Promise<CallDecision> => {
    if (id === "c1") return "run";
    const names = await Promise.all(AREAS.map((area) => storage.list(area)));
    seen.push([...new Set(names.flat().map((name) => name.split(/[._]/)[0]))]);
    seen.push((await storage.locks()).map(({ name }) => name));
    const { ok, checked } = await manager.verify();
    // The snapshot and the journal.
    seen.push({ ok, checked });
    backup = await manager.backup(ID);
    return "run";
  });
  expect(seen).toEqual([[ID], [ID], { ok: true, checked: 2 }]);
  const disagreements: string[] = [];
  let looks = 0;
  for (let after = 0; after <= disk.operationCount; after += STEP)
    for (const { fileSystem, label } of disk.crashStates({ after })) {
      looks += 1;
      const what = await disagreementOn(fileSystem);
      if (what !== undefined) disagreements.push(`after ${after} operations: ${what} [${label}]`);
    }
  expect(disagreements).toEqual([]);
  expect(looks).toBeGreaterThan(20);
  await manager.restore(ID, backup);
  expect(openCalls((await manager.loadState(ID))?.messages ?? [])).toHaveLength(2);
  await manager.close();
  expect(await disagreementOn(disk)).toBeUndefined();
});
