// Writes one conversation as a chat does, by the built library: a prompt, so many tokens, an answer that ends; with
// snapshots and backups in between. Reads from stdin when to begin. Arguments: stateDir, backupDir, id, tokens, "die"?
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { beginTurn, createDraftStatePersistenceManager, endAnswer } from "../../dist/index.js";
import { createPostgresStorage } from "../../dist/postgres.js";

/** The store of the environment, where one is named there. */
function storageOf(store) {
  if (store === undefined) return {};
  const url = new URL(store);
  const schema = url.searchParams.get("schema");
  url.searchParams.delete("schema");
  return { storage: createPostgresStorage({ connectionString: url.href, schema, command: "token-writer" }) };
}

const [stateDir, backupDir, id, count, end = "complete"] = process.argv.slice(2);
// One that dies leaves a journal with what came since its last snapshot.
const folding = end === "die" ? { autoSave: false } : { journalBudget: 1024, autoSaveInterval: 20 };
const manager = createDraftStatePersistenceManager({
  stateDir,
  backupDir,
  saveOnToken: true,
  command: "token-writer",
  ...storageOf(process.env.DRAFTSTATE_STORE),
  ...folding,
});
const at = () => new Date().toISOString();
const conversation = await manager.open(id);
const prompt = { id: randomUUID(), role: "user", content: `${count} tokens, please`, createdAt: at() };
await conversation.flush();
process.stdout.write("ready\n");
await once(process.stdin, "data");
conversation.update((draft) => beginTurn(draft, { message: prompt, at: at() }));
for (let index = 0; index < Number(count); index += 1) {
  conversation.appendToken(` ${index}${index % 40 === 39 ? ".\n" : ""}`);
  if (index % 7 === 0) await conversation.flush();
  if (index % 50 === 49) await conversation.compact();
  if (index % 100 === 99) await conversation.backup({ reason: "interim" });
}
await conversation.flush();
process.stdout.write("told\n");
if (end === "die") process.kill(process.pid, "SIGKILL");
conversation.update((draft) => endAnswer(draft, { id: randomUUID(), status: "complete", at: at() }));
await conversation.endTurn();
await conversation.close();
await manager.close();
process.exit(0);
