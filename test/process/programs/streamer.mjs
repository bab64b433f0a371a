/**
 * A user of the library that is there to be killed: it streams answers without end and prints what it is about to do
 * and each revision once its save has resolved. A token is the number of its own revision, so that whoever reads the
 * text afterwards can tell what is missing, torn or told twice. Runs the built library.
 */
import { beginTurn, createDraftStatePersistenceManager, endAnswer } from "../../../dist/index.js";
import { storageFor } from "./storage-for.mjs";

const { id, settings, tokens, foldEvery, backupEvery, pruneEvery, pause, openOptions, postgres } = JSON.parse(
  process.argv[2],
);
const MOST_UNDER_WAY = 4;

function say(line) {
  process.stdout.write(`${line}\n`);
}

async function during(what, act) {
  say(what);
  await act();
  say(`after-${what}`);
}

function fail(error) {
  say(`error ${error.code ?? ""} ${error.message}`);
  process.exit(1);
}

async function streamAnswer(manager, conversation) {
  const at = new Date().toISOString();
  conversation.update((draft) => {
    beginTurn(draft, {
      message: { id: `u${conversation.revision}`, role: "user", content: "Count", createdAt: at },
      at,
    });
  });
  const underWay = [];
  for (let token = 1; token <= tokens; token += 1) {
    conversation.appendToken(`${conversation.revision + 1};`);
    const { revision } = conversation;
    underWay.push(conversation.whenDurable(revision).then(() => say(`ack ${revision}`), fail));
    if (underWay.length >= MOST_UNDER_WAY) await underWay.shift();
    if (pause > 0) await new Promise((resolve) => setTimeout(resolve, pause));
    if (foldEvery > 0 && token % foldEvery === 0) await during("fold", () => conversation.compact());
    if (backupEvery > 0 && token % backupEvery === 0) await during("backup", () => conversation.backup());
    if (pruneEvery > 0 && token % pruneEvery === 0) await during("prune", () => manager.prune({ id, max: 1 }));
  }
  await Promise.all(underWay);
  conversation.update((draft) => {
    endAnswer(draft, { id: `a${conversation.revision}`, status: "complete", at });
  });
  await during("turn", () => conversation.endTurn());
}

async function main() {
  say("begin");
  const manager = createDraftStatePersistenceManager({
    saveOnToken: true,
    ...settings,
    ...(await storageFor(postgres)),
  });
  const conversation = await manager.open(id, openOptions ?? {});
  say(`opened ${conversation.revision}`);
  for (;;) await streamAnswer(manager, conversation);
}

main().catch(fail);
