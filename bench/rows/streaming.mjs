// A token's way: tokens a second, what one costs as the conversation grows, the event loop's share, bytes on disk.
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { importSource } from "../../scripts/import-source.mjs";
import { medians, quantile, ratios, row, spread, takeTurns, timed } from "../measure.mjs";
import { conversationWith, managerIn, streamAwaited, streamPipelined } from "../ours.mjs";
import {
  draftPerToken,
  lowdbPerToken,
  memorySaverPerToken,
  RawAppend,
  sqlite,
  sqliteSaverPerToken,
} from "../peers.mjs";
import { stateOf, TOKENS } from "../work.mjs";

const { runTurn } = await importSource("src/agent/turn.ts");

/** Rounds that are not counted: until then the program is being compiled. */
const WARM_UP = 8;
const SIZES = [10, 1000, 10_000];

/** So many tokens of a slow contender, counted as if there were 500. */
function scaled(act, count) {
  return async () => (await timed(() => act(TOKENS.slice(0, count)))) * (TOKENS.length / count);
}

export async function tokensWithoutSync({ scratch, rounds }) {
  const rows = [];
  for (const size of SIZES) {
    const ours = await conversationWith(stateOf(size), scratch.directory(), { durability: "relaxed", maxBackups: 0 });
    const peer = sqlite(scratch.directory(), stateOf(size), "NORMAL");
    const samples = await takeTurns(
      {
        "draftstate, as they come": () => timed(() => streamPipelined(ours.conversation, TOKENS)),
        "draftstate, each awaited": () => timed(() => streamAwaited(ours.conversation, TOKENS)),
        "SQLite WAL NORMAL": () =>
          timed(() => {
            for (const token of TOKENS) peer.token(token);
          }),
      },
      rounds,
    );
    const common = {
      against: "better-sqlite3 WAL NORMAL, a transaction a token",
      seen: medians(samples, "ms for 500"),
    };
    rows.push(
      row({
        ...common,
        id: `tokens-unsynced-${size}`,
        what: `tokens/s, no sync each, N = ${size}`,
        target: "≥ 3",
        ratio: ratios(samples["SQLite WAL NORMAL"], samples["draftstate, as they come"]),
        guarantee:
          "written to the system when the answer ends, before that as fast as writes return (SQLite: each before the next); survives a killed process",
      }),
    );
    rows.push(
      row({
        ...common,
        id: `tokens-unsynced-awaited-${size}`,
        what: `the same, each token's write awaited, N = ${size}`,
        ratio: ratios(samples["SQLite WAL NORMAL"], samples["draftstate, each awaited"]),
        guarantee: "each written to the system before the next; survives a killed process",
      }),
    );
    peer.close();
    await ours.manager.close();
  }
  return rows;
}

export async function tokenCostAsItGrows({ scratch, rounds }) {
  const [small, large] = [
    await conversationWith(stateOf(10), scratch.directory(), { durability: "relaxed", maxBackups: 0 }),
    await conversationWith(stateOf(10_000), scratch.directory(), { durability: "relaxed", maxBackups: 0 }),
  ];
  const ours = await takeTurns(
    {
      small: () => timed(() => streamPipelined(small.conversation, TOKENS)),
      large: () => timed(() => streamPipelined(large.conversation, TOKENS)),
    },
    rounds * 3,
  );
  await small.manager.close();
  await large.manager.close();
  const guarantee = "written to the system when the answer ends";
  const rows = [
    row({
      id: "token-growth",
      what: "cost of a token, N = 10,000 to N = 10",
      guarantee,
      target: "≤ 1.25",
      against: "itself at N = 10",
      ratio: ratios(ours.large, ours.small),
      seen: medians(ours, "ms for 500"),
    }),
  ];
  const peers = {
    "draft's way": [draftPerToken, "written, not synced"],
    lowdb: [lowdbPerToken, "written, not synced"],
    SqliteSaver: [sqliteSaverPerToken, "SQLite's default: WAL, synced at checkpoints"],
    MemorySaver: [memorySaverPerToken, "in memory alone"],
  };
  for (const [name, [act, keeps]] of Object.entries(peers)) {
    const samples = await takeTurns(
      {
        small: scaled((tokens) => act(scratch.directory(), stateOf(10), tokens), 10),
        large: scaled((tokens) => act(scratch.directory(), stateOf(10_000), tokens), 3),
      },
      Math.min(rounds, 3),
    );
    rows.push(
      row({
        id: `token-growth-${name}`,
        what: `the same of ${name}`,
        guarantee: keeps,
        against: "itself at N = 10",
        ratio: ratios(samples.large, samples.small),
        seen: medians(samples, "ms for 500"),
      }),
    );
  }
  return rows;
}

/** A graph that gives tokens and is nothing itself: what remains is the agent and the manager. */
function tokensAsGraph(active) {
  return {
    async *stream() {
      let before = performance.eventLoopUtilization();
      for (const text of TOKENS) {
        yield { type: "token", text };
        const now = performance.eventLoopUtilization();
        active.push((now.active - before.active) * 1000);
        before = performance.eventLoopUtilization();
      }
    },
  };
}

export function turnOf({ manager, conversation, graph }) {
  return runTurn({
    conversation,
    graph,
    modelName: "bench",
    prompt: "Hi",
    systemPrompt: undefined,
    signal: undefined,
    secrets: [],
    showDurableOnly: true,
    now: () => new Date(),
    elapsed: () => performance.now(),
    newId: () => `id${Math.random()}`,
    measure: () => manager.monitor.beginAnswer(conversation.id, "bench"),
  });
}

export async function eventLoopTime({ scratch, rounds }) {
  const seen = {};
  const medianOf = { 10: [], 10_000: [] };
  const tails = [];
  const means = [];
  const longest = [];
  for (let round = 0; round < rounds + WARM_UP; round += 1) {
    for (const size of [10, 10_000]) {
      const { manager, conversation } = await conversationWith(stateOf(size), scratch.directory(), { maxBackups: 0 });
      const active = [];
      const turn = turnOf({ manager, conversation, graph: tokensAsGraph(active) });
      for await (const _event of turn);
      await manager.close();
      if (round < WARM_UP) continue;
      medianOf[size].push(quantile(active, 0.5));
      if (size !== 10_000) continue;
      tails.push(quantile(active, 0.99));
      longest.push(Math.max(...active));
      means.push(active.reduce((sum, value) => sum + value, 0) / active.length);
    }
  }
  for (const size of [10, 10_000]) seen[`p50 at N = ${size}`] = `${spread(medianOf[size]).median.toFixed(1)} µs`;
  seen["mean at N = 10,000"] = `${spread(means).median.toFixed(1)} µs`;
  seen["longest at N = 10,000"] = `${spread(longest).median.toFixed(0)} µs`;
  const guarantee = "shown once synced";
  const units = (values, unit) => spread(values.map((value) => value / unit));
  return [
    row({
      id: "loop-p50",
      what: "event-loop time of a token, p50, in units of 10 µs",
      guarantee,
      target: "≤ 1",
      against: "10 µs",
      ratio: units(medianOf[10_000], 10),
      seen,
    }),
    row({
      id: "loop-p99",
      what: "the same, p99, in units of 100 µs",
      guarantee,
      target: "≤ 1",
      against: "100 µs",
      ratio: units(tails, 100),
    }),
  ];
}

export async function tokensWithSync({ scratch, rounds }) {
  const ours = await conversationWith(stateOf(1000), scratch.directory(), { maxBackups: 0 });
  const full = sqlite(scratch.directory(), stateOf(1000), "FULL");
  const raw = new RawAppend(scratch.directory());
  const samples = await takeTurns(
    {
      draftstate: () => timed(() => streamAwaited(ours.conversation, TOKENS)),
      "SQLite WAL FULL": () =>
        timed(() => {
          for (const token of TOKENS) full.token(token);
        }),
      "raw append + fdatasync": () =>
        timed(() => {
          for (const token of TOKENS) raw.token(token);
        }),
      "raw append + asynchronous fdatasync": () =>
        timed(async () => {
          for (const token of TOKENS) await raw.tokenLater(token);
        }),
    },
    rounds,
  );
  await ours.manager.close();
  full.close();
  raw.close();
  const common = {
    guarantee: "each synced before the next; survives power loss",
    seen: medians(samples, "ms for 500"),
  };
  return [
    row({
      ...common,
      id: "tokens-synced-raw",
      what: "tokens/s, a sync each, N = 1,000",
      target: "≥ 0.9",
      against: "raw append + fdatasync",
      ratio: ratios(samples["raw append + fdatasync"], samples.draftstate),
    }),
    row({
      ...common,
      id: "tokens-synced-async",
      what: "the same",
      target: "≥ 0.9",
      against: "raw append + asynchronous fdatasync, which lets the event loop go on",
      ratio: ratios(samples["raw append + asynchronous fdatasync"], samples.draftstate),
    }),
    row({
      ...common,
      id: "tokens-synced-full",
      what: "the same",
      target: "≥ 1",
      against: "better-sqlite3 WAL FULL",
      ratio: ratios(samples["SQLite WAL FULL"], samples.draftstate),
    }),
  ];
}

function bytesIn(directory) {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);
}

export async function bytesPerToken({ scratch }) {
  const written = {};
  for (const size of [10, 10_000]) {
    const manager = managerIn(scratch.directory(), { maxBackups: 0 });
    const conversation = await manager.open("bench");
    conversation.replaceState(stateOf(size));
    await conversation.compact();
    let bytes = 0;
    manager.on("stateSaved", (event) => {
      bytes += event.bytes;
    });
    await streamAwaited(conversation, TOKENS);
    written[size] = bytes / TOKENS.length;
    await manager.close();
  }
  const directory = scratch.directory();
  const peer = sqlite(directory, stateOf(1000), "NORMAL");
  peer.db.pragma("wal_checkpoint(TRUNCATE)");
  peer.db.pragma("wal_autocheckpoint = 0");
  const before = bytesIn(directory);
  for (const token of TOKENS) peer.token(token);
  const wal = (bytesIn(directory) - before) / TOKENS.length;
  peer.close();
  const seen = {
    "N = 10": `${written[10].toFixed(0)} B`,
    "N = 10,000": `${written[10_000].toFixed(0)} B`,
    "SQLite WAL": `${wal.toFixed(0)} B`,
  };
  return [
    row({
      id: "bytes",
      what: "bytes written for a token of 6 characters, in units of 150",
      guarantee: "each synced",
      target: "≤ 1",
      against: "150 bytes",
      ratio: spread([written[10] / 150, written[10_000] / 150]),
      seen,
    }),
  ];
}
