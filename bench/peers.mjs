// What a user would pick instead, each in its own best way for the same work.
import { closeSync, fdatasync, fdatasyncSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { SqliteSaver } from "@langchain/langgraph-checkpoint-sqlite";
import { MemorySaver } from "@langchain/langgraph";
import { emptyCheckpoint } from "@langchain/langgraph-checkpoint";
import { JSONFilePreset } from "lowdb/node";
import writeFileAtomic from "write-file-atomic";
import { promisify } from "node:util";

/** A row a message, a row a token; each token its own transaction. */
export function sqlite(directory, state, synchronous) {
  const db = new Database(join(directory, "bench.db"));
  db.pragma("journal_mode = WAL");
  db.pragma(`synchronous = ${synchronous}`);
  db.exec(
    "CREATE TABLE message (conversation TEXT, seq INTEGER, body TEXT, PRIMARY KEY (conversation, seq)) WITHOUT ROWID; CREATE TABLE token (conversation TEXT, seq INTEGER, text TEXT, PRIMARY KEY (conversation, seq)) WITHOUT ROWID",
  );
  const addMessage = db.prepare("INSERT INTO message VALUES ('bench', ?, ?)");
  db.transaction(() => {
    for (const [index, message] of state.messages.entries()) addMessage.run(index, JSON.stringify(message));
  })();
  const add = db.prepare("INSERT INTO token VALUES ('bench', ?, ?)");
  let next = 0;
  return {
    db,
    token: (text) => {
      add.run(next, text);
      next += 1;
    },
    close: () => db.close(),
  };
}

export class RawAppend {
  #file;
  constructor(directory) {
    this.#file = openSync(join(directory, "raw.log"), "a");
  }
  token(text) {
    writeSync(this.#file, `{"crc":"00000000","len":42,"rev":3,"at":1768426200123,"token":${JSON.stringify(text)}}\n`);
    fdatasyncSync(this.#file);
  }
  /** What a program can do that has other work while the disk syncs. */
  async tokenLater(text) {
    writeSync(this.#file, `{"crc":"00000000","len":42,"rev":3,"at":1768426200123,"token":${JSON.stringify(text)}}\n`);
    await promisify(fdatasync)(this.#file);
  }
  close() {
    closeSync(this.#file);
  }
}

function withText(state, text) {
  return {
    ...state,
    currentNarrative: text,
    streamingProperties: { ...state.streamingProperties, partialResponse: text },
  };
}

export async function writeFileAtomicPerToken(directory, state, tokens) {
  let text = "";
  for (const token of tokens) {
    text += token;
    await writeFileAtomic(join(directory, "state.json"), JSON.stringify(withText(state, text), null, 2));
  }
}

export async function lowdbPerToken(directory, state, tokens) {
  const db = await JSONFilePreset(join(directory, "low.json"), structuredClone(state));
  for (const token of tokens) {
    db.data.currentNarrative += token;
    db.data.streamingProperties.partialResponse += token;
    await db.write();
  }
}

/** The draft's way: the whole file, and a backup of it, at each save. */
export async function draftPerToken(directory, state, tokens) {
  const { writeFile, copyFile } = await import("node:fs/promises");
  let text = "";
  for (const [index, token] of tokens.entries()) {
    text += token;
    const file = join(directory, "draft.json");
    await writeFile(file, JSON.stringify(withText(state, text), null, 2));
    await copyFile(file, join(directory, `draft_${index}.json`));
  }
}

/** A checkpoint a token, as a graph that saved at each token would make it. */
async function checkpoints(saver, state, tokens) {
  let config = { configurable: { thread_id: "bench", checkpoint_ns: "" } };
  let text = "";
  for (const [index, token] of tokens.entries()) {
    text += token;
    const checkpoint = {
      ...emptyCheckpoint(),
      id: `1ef${String(index).padStart(12, "0")}`,
      channel_values: withText(state, text),
    };
    config = await saver.put(config, checkpoint, { source: "loop", step: index, parents: {} });
  }
}

export async function sqliteSaverPerToken(directory, state, tokens) {
  const saver = SqliteSaver.fromConnString(join(directory, "saver.db"));
  await checkpoints(saver, state, tokens);
  saver.db.close();
}

export async function memorySaverPerToken(_directory, state, tokens) {
  await checkpoints(new MemorySaver(), state, tokens);
}
