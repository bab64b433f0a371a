// draftstate as its users use it: the built library, real files.
import { join } from "node:path";
import { createDraftStatePersistenceManager } from "../dist/index.js";

export function managerIn(directory, options = {}) {
  return createDraftStatePersistenceManager({
    stateDir: join(directory, "state"),
    backupDir: join(directory, "backup"),
    saveOnToken: true,
    autoSave: false,
    ...options,
  });
}

/** An open conversation that holds the state already, snapshot made. */
export async function conversationWith(state, directory, options) {
  const manager = managerIn(directory, options);
  const conversation = await manager.open("bench");
  conversation.replaceState(state);
  await conversation.flush();
  await conversation.compact();
  return { manager, conversation };
}

export async function streamPipelined(conversation, tokens) {
  for (const token of tokens) {
    conversation.appendToken(token);
    await undefined; // as a model's stream gives them: each in a step of its own
  }
  await conversation.flush();
}

export async function streamAwaited(conversation, tokens) {
  for (const token of tokens) {
    conversation.appendToken(token);
    await conversation.whenDurable(conversation.revision);
  }
}
