/** Conversations made in this process by the library itself, where what made them is not what is tested: quicker than a CLI each. */
import { createDraftStatePersistenceManager } from "../../src/create-manager.js";
import { beginTurn, endAnswer } from "../../src/model/transitions.js";
import type { Status } from "../../src/model/conversation.js";
import type { Workspace } from "./cli.js";

export interface Turn {
  readonly prompt: string;
  readonly answer: string;
  readonly status?: Exclude<Status, "streaming">;
}

/** One conversation with these turns, each with its backup, as `chat` leaves it. */
export async function seed(workspace: Workspace, id: string, turns: readonly Turn[], model = "offline"): Promise<void> {
  const manager = createDraftStatePersistenceManager({
    stateDir: workspace.path("state"),
    backupDir: workspace.path("backup"),
    durability: "relaxed",
  });
  const conversation = await manager.open(id);
  conversation.updateInfo({ model });
  for (const [index, { prompt, answer, status = "complete" }] of turns.entries()) {
    const at = new Date().toISOString();
    conversation.update((draft) => {
      beginTurn(draft, { at, message: { id: `${id}-u${index}`, role: "user", content: prompt, createdAt: at } });
    });
    for (const token of answer.match(/\S+\s*|\s+/g) ?? []) conversation.appendToken(token);
    conversation.update((draft) => {
      endAnswer(draft, { id: `${id}-a${index}`, status, at, model });
    });
    await conversation.endTurn();
  }
  await conversation.close();
  await manager.close();
}
