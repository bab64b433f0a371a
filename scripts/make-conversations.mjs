// Makes many conversations quickly, to try commands on: node scripts/make-conversations.mjs <directory> [count] [backups each].
// The files are what the code of src encodes; they are not synced one by one.
import { mkdirSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { importSource } from "./import-source.mjs";

const { idleStreaming, metadataOf } = await importSource("src/model/conversation.ts");
const { encodeSnapshot } = await importSource("src/snapshot/encode.ts");

const [directory, count = "10000", backups = "3"] = process.argv.slice(2);
if (directory === undefined)
  throw new Error("usage: node scripts/make-conversations.mjs <directory> [count] [backups each]");
const [stateDir, backupDir] = [join(directory, "state"), join(directory, "backup")];
for (const path of [stateDir, backupDir]) mkdirSync(path, { recursive: true, mode: 0o700 });

const START = Date.UTC(2026, 0, 14, 21, 30);
const answer = "Once there was an old clockmaker who lived in a valley where echoes arrived late. ".repeat(10);

function version(index, turns, createdAt) {
  const messages = Array.from({ length: turns }, (_, turn) => [
    { id: `u${turn}`, role: "user", content: `Question ${turn} of conversation ${index} 🐋`, createdAt },
    {
      id: `a${turn}`,
      role: "assistant",
      content: answer,
      createdAt,
      status: "complete",
      model: "offline",
      tokenCount: 150,
    },
  ]).flat();
  const streamingProperties = {
    ...idleStreaming(),
    tokenCount: 150,
    streamingProgress: 100,
    partialResponse: answer,
    streamingStartTime: createdAt,
    streamingEndTime: createdAt,
  };
  return {
    state: { messages, currentNarrative: answer, streamingProperties },
    info: { createdAt, model: "offline" },
    revision: turns * 152,
  };
}

for (let index = 0; index < Number(count); index += 1) {
  const id = `draft_chat_${1795000000000 + index}`;
  const createdAt = new Date(START + index * 60_000).toISOString();
  for (let turn = 1; turn <= Number(backups); turn += 1) {
    const savedAt = new Date(START + index * 60_000 + turn * 1000).toISOString();
    const saved = version(index, turn, createdAt);
    const path = join(backupDir, `${id}_${savedAt.replaceAll(/[:.]/g, "-")}.json`);
    writeFileSync(
      path,
      encodeSnapshot(saved.state, { ...metadataOf(saved, id, savedAt), backup: { reason: "turn" } }),
      { mode: 0o600 },
    );
  }
  const savedAt = new Date(START + index * 60_000 + Number(backups) * 1000);
  const saved = version(index, Math.max(1, Number(backups)), createdAt);
  const path = join(stateDir, `${id}.json`);
  writeFileSync(path, encodeSnapshot(saved.state, metadataOf(saved, id, savedAt.toISOString())), { mode: 0o600 });
  utimesSync(path, savedAt, savedAt);
}
