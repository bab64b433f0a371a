/**
 * Adds one to a conversation's count so many times, waiting for its turn at the lock: opening it anew for each, or
 * holding it for all. Prints the count once all is saved. Runs the built library.
 */
import { createDraftStatePersistenceManager } from "../../../dist/index.js";
import { storageFor } from "./storage-for.mjs";

const { id, settings, updates, keepOpen, postgres } = JSON.parse(process.argv[2]);

function increment(draft) {
  draft.count = (draft.count ?? 0) + 1;
}

async function main() {
  const manager = createDraftStatePersistenceManager({ ...settings, ...(await storageFor(postgres)) });
  let conversation = keepOpen ? await manager.open(id) : undefined;
  for (let update = 0; update < updates; update += 1) {
    conversation ??= await manager.open(id);
    conversation.update(increment);
    await conversation.flush();
    if (keepOpen) continue;
    await conversation.close();
    conversation = undefined;
  }
  await manager.close();
}

main().catch((error) => {
  process.stderr.write(`${error.code ?? ""} ${error.stack}\n`);
  process.exitCode = 1;
});
