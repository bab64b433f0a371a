// What the disk decides: slow syncs, whole turns, snapshots.
import { closeSync, fdatasyncSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import writeFileAtomic from "write-file-atomic";
import { DraftStatePersistenceManager } from "../../dist/index.js";
import { importSource } from "../../scripts/import-source.mjs";
import { medians, quantile, ratios, row, spread, takeTurns, timed } from "../measure.mjs";
import { conversationWith, streamPipelined } from "../ours.mjs";
import { sqlite, writeFileAtomicPerToken } from "../peers.mjs";
import { messages, stateOf, TOKENS } from "../work.mjs";

const { FileStorage } = await importSource("src/storage/file-storage.ts");
const { nodeFileSystem } = await importSource("src/storage/fs.ts");
const { SystemProcessTable } = await importSource("src/storage/process-table.ts");

const SLOW_SYNC = 3;

/** The real file system, whose file syncs take 3 ms more. */
const slowFileSystem = {
  ...nodeFileSystem,
  createFile: async (path) => {
    const file = await nodeFileSystem.createFile(path);
    return {
      write: (bytes) => file.write(bytes),
      read: (...range) => file.read(...range),
      size: () => file.size(),
      close: () => file.close(),
      sync: async () => {
        await delay(SLOW_SYNC);
        await file.sync();
      },
    };
  },
};

function slowManager(directory) {
  const storage = new FileStorage({
    stateDir: join(directory, "state"),
    backupDir: join(directory, "backup"),
    fs: slowFileSystem,
    processes: new SystemProcessTable(),
    randomName: () => Math.random().toString(36).slice(2),
    command: "bench",
    watch: () => Promise.reject(new Error("not watched")),
  });
  return new DraftStatePersistenceManager(
    { storage, now: () => new Date(), elapsed: () => performance.now(), random: Math.random },
    { saveOnToken: true, autoSave: false, maxBackups: 0 },
  );
}

export async function groupCommit({ scratch, rounds }) {
  const manager = slowManager(scratch.directory());
  const conversation = await manager.open("bench");
  conversation.replaceState(stateOf(1000));
  await conversation.compact();
  const full = sqlite(scratch.directory(), stateOf(1000), "FULL");
  const cell = new Int32Array(new SharedArrayBuffer(4));
  const few = TOKENS.slice(0, 50);
  const samples = await takeTurns(
    {
      draftstate: () => timed(() => streamPipelined(conversation, TOKENS)),
      "SQLite WAL FULL": async () =>
        (await timed(() => {
          for (const token of few) {
            full.token(token);
            Atomics.wait(cell, 0, 0, SLOW_SYNC);
          }
        })) *
        (TOKENS.length / few.length),
    },
    rounds,
  );
  full.close();
  const latencies = [];
  const waits = [];
  for (const token of TOKENS) {
    conversation.appendToken(token);
    const [revision, started] = [conversation.revision, performance.now()];
    waits.push(conversation.whenDurable(revision).then(() => latencies.push(performance.now() - started)));
    await delay(1);
  }
  await Promise.all(waits);
  const one = [];
  for (let index = 0; index < 20; index += 1)
    one.push(
      await timed(async () => {
        conversation.appendToken("x");
        await conversation.flush();
      }),
    );
  await manager.close();
  const sync = quantile(one, 0.5);
  return [
    row({
      id: "group-commit-burst",
      what: "burst of 500 tokens, syncs of 3 ms",
      guarantee: "all synced when the burst is through (SQLite: each before the next)",
      target: "≥ 20",
      against: "better-sqlite3 WAL FULL, each commit 3 ms longer",
      ratio: ratios(samples["SQLite WAL FULL"], samples.draftstate),
      seen: medians(samples, "ms for 500"),
    }),
    row({
      id: "group-commit-latency",
      what: "a token each ms: until it is durable, p50, in syncs",
      guarantee: "synced",
      target: "≤ 2",
      against: "one token's own sync",
      ratio: spread(latencies.map((value) => value / sync)),
      seen: { "one sync": `${sync.toFixed(1)} ms` },
    }),
  ];
}

/** The steps of a turn as the agent takes them, without a model. */
async function turn(conversation, at) {
  conversation.update((draft) => {
    draft.messages.push({
      id: `u${at}`,
      role: "user",
      content: "Tell me a story",
      createdAt: "2026-01-14T21:30:00.000Z",
    });
    draft.currentNarrative = "";
    draft.streamingProperties = {
      lastToken: "",
      tokenCount: 0,
      streamingProgress: 0,
      partialResponse: "",
      streamingStartTime: "2026-01-14T21:30:00.000Z",
      streamingEndTime: null,
    };
  });
  await conversation.flush();
  for (const token of TOKENS) {
    conversation.appendToken(token);
    await new Promise(setImmediate);
  }
  conversation.update((draft) => {
    draft.messages.push({
      id: `a${at}`,
      role: "assistant",
      content: draft.streamingProperties.partialResponse,
      createdAt: "2026-01-14T21:30:00.000Z",
      status: "complete",
      tokenCount: TOKENS.length,
    });
    draft.streamingProperties.streamingEndTime = "2026-01-14T21:30:01.000Z";
  });
  await conversation.endTurn();
}

export async function wholeTurn({ scratch, rounds }) {
  const { manager, conversation } = await conversationWith(stateOf(1000), scratch.directory(), { maxBackups: 10 });
  const directory = scratch.directory();
  const few = TOKENS.slice(0, 25);
  let at = 0;
  const samples = await takeTurns(
    {
      draftstate: () => timed(() => turn(conversation, (at += 1))),
      "write-file-atomic": async () =>
        (await timed(() => writeFileAtomicPerToken(directory, stateOf(1000), few))) * (TOKENS.length / few.length),
    },
    rounds,
  );
  await manager.close();
  return [
    row({
      id: "turn",
      what: "a durable turn of 500 tokens with snapshot and backup, N = 1,000",
      guarantee: "all synced at the end, group commits before (write-file-atomic: each token, no backup)",
      target: "≥ 50",
      against: "write-file-atomic a token",
      ratio: ratios(samples["write-file-atomic"], samples.draftstate),
      seen: medians(samples, "ms"),
    }),
  ];
}

export async function snapshotAfterOneChange({ scratch, rounds }) {
  const state = { ...stateOf(0), messages: messages(15_500) };
  const { manager, conversation } = await conversationWith(state, scratch.directory(), { maxBackups: 0 });
  const directory = scratch.directory();
  const raw = Buffer.from(JSON.stringify(conversation.state, null, 2));
  let at = 0;
  const samples = await takeTurns(
    {
      draftstate: async () => {
        at += 1;
        conversation.update((draft) => {
          draft.messages[7000].content = `changed ${at}`;
        });
        await conversation.flush();
        return timed(() => conversation.compact());
      },
      "write and sync": () =>
        timed(() => {
          const file = openSync(join(directory, `raw-${(at += 1)}`), "wx");
          writeSync(file, raw);
          fdatasyncSync(file);
          closeSync(file);
        }),
      "JSON.stringify and write-file-atomic": () =>
        timed(() => writeFileAtomic(join(directory, "whole.json"), JSON.stringify(conversation.state, null, 2))),
    },
    rounds,
  );
  await manager.close();
  return [
    row({
      id: "snapshot",
      what: `snapshot of ${(raw.length / 1e6).toFixed(1)} MB, one message changed`,
      guarantee: "synced, atomic, sealed (write and sync: synced alone)",
      target: "≤ 2",
      against: "writing and syncing those bytes",
      ratio: ratios(samples.draftstate, samples["write and sync"]),
      seen: medians(samples, "ms"),
    }),
  ];
}
