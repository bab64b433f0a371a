/** Conversations as tests of removing and undoing need them: a few turns long, closed, perhaps damaged or left in the middle. */
import type { MemoryStorage } from "../../src/storage/memory.js";
import type { Storage } from "../../src/storage/storage.js";
import type { DraftStatePersistenceManager } from "../../src/manager.js";
import { textOf } from "./contents.js";
import { begin, managerOver, turn } from "./managers.js";

/** So many turns, each with a backup; closed. */
export async function told(manager: DraftStatePersistenceManager, id: string, turns = 2): Promise<void> {
  const conversation = await manager.open(id);
  for (let count = 1; count <= turns; count += 1)
    await turn(conversation, `Question ${count}`, "Once", ` upon ${count}`);
  await conversation.close();
}

/** An answer in the middle, in the journal alone: its writer is dead. Gives a manager for whoever comes after. */
export async function cutOff(storage: MemoryStorage, id: string): Promise<DraftStatePersistenceManager> {
  const dead = managerOver(storage, { saveOnToken: true });
  const conversation = await dead.open(id);
  await turn(conversation, "Tell me", "Once");
  begin(conversation, "And then?");
  conversation.appendToken("half an");
  await conversation.flush();
  await storage.breakLock(id);
  return managerOver(storage, {}, Date.UTC(2026, 0, 14, 22));
}

/** An edit by hand: valid JSON, another checksum. */
export async function edit(storage: Storage, id: string, from: string, to: string): Promise<void> {
  const name = `${id}.json`;
  await storage.replace(
    { area: "state", name },
    Buffer.from((await textOf(storage, "state", name)).replaceAll(from, to)),
  );
}

export async function damage(storage: Storage, id: string): Promise<void> {
  await storage.replace({ area: "state", name: `${id}.json` }, Buffer.from("{ torn"));
}
