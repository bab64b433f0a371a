// What an operation on one conversation costs among many others: CPU and wall time in a store of 10,000 conversations and
// 50,000 backups, beside an empty one.
import { mkdirSync, writeFileSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { importSource } from "../../scripts/import-source.mjs";
import { figure, row, spread } from "../measure.mjs";
import { managerIn } from "../ours.mjs";
import { messages, stateOf } from "../work.mjs";

const { metadataOf } = await importSource("src/model/conversation.ts");
const { freezeJson } = await importSource("src/model/json.ts");
const { encodeSnapshot } = await importSource("src/snapshot/encode.ts");

const BACKUPS = 5;
const START = Date.UTC(2026, 0, 14, 21, 30);
/** Milliseconds between two tokens and between two timed saves. */
const PACE = 5;
const INTERVAL = 50;
const STREAMING = "streaming until three interim backups are made";

function ended(count) {
  return {
    ...stateOf(count),
    streamingProperties: { ...stateOf(0).streamingProperties, streamingEndTime: "2026-01-14T21:30:01.000Z" },
  };
}

/** As the library writes them, and much faster. */
function fill(directory, count) {
  const [state, backup] = [join(directory, "state"), join(directory, "backup")];
  for (const each of [state, backup]) mkdirSync(each, { recursive: true, mode: 0o700 });
  const version = {
    state: freezeJson(ended(2)),
    info: { createdAt: "2026-01-14T21:30:00.000Z", title: "Tell me a story" },
    revision: 9,
  };
  for (let index = 0; index < count; index += 1) {
    const id = `other-${String(index).padStart(6, "0")}`;
    const at = new Date(START + index).toISOString();
    const metadata = metadataOf(version, id, at);
    writeFileSync(join(state, `${id}.json`), encodeSnapshot(version.state, metadata), { mode: 0o600 });
    const bytes = encodeSnapshot(version.state, { ...metadata, backup: { reason: "turn" } });
    for (let copy = 0; copy < BACKUPS; copy += 1) {
      const timestamp = new Date(START + index + copy * 60_000).toISOString().replaceAll(/[:.]/g, "-");
      writeFileSync(join(backup, `${id}_${timestamp}.json`), bytes, { mode: 0o600 });
    }
  }
}

/** Milliseconds. */
async function costOf(act) {
  const [cpu, started] = [process.cpuUsage(), performance.now()];
  await act();
  const [{ user, system }, wall] = [process.cpuUsage(cpu), performance.now() - started];
  return { cpu: (user + system) / 1000, wall };
}

let added = 0;

function say(conversation) {
  const message = { ...messages(1)[0], id: `added-${(added += 1)}` };
  conversation.update((draft) => {
    draft.messages.push(message);
  });
}

/** One more turn, and closed: whatever of it is not measured comes before. */
async function turned(manager, id) {
  const conversation = await manager.open(id);
  say(conversation);
  await conversation.endTurn();
  await conversation.close();
}

async function changed(manager, id) {
  const conversation = await manager.open(id);
  say(conversation);
  await conversation.close();
}

/** An answer at the pace of a model, until so many interim backups were made of it. */
async function streamed({ streaming, timed }, backups) {
  let made = 0;
  const count = () => {
    made += 1;
  };
  timed.on("backupCreated", count);
  streaming.update((draft) => {
    draft.streamingProperties = {
      ...draft.streamingProperties,
      partialResponse: "",
      streamingStartTime: "2026-01-14T21:30:00.000Z",
      streamingEndTime: null,
    };
  });
  for (let token = 0; made < backups; token += 1) {
    streaming.appendToken(` word${token % 97}`);
    await delay(PACE);
  }
  await streaming.flush();
  timed.off("backupCreated", count);
}

/** Its timer must find nothing to do while the other store is measured. */
async function answered({ streaming }) {
  streaming.update((draft) => {
    draft.streamingProperties = {
      ...draft.streamingProperties,
      partialResponse: "",
      streamingEndTime: "2026-01-14T21:30:01.000Z",
    };
  });
  await streaming.endTurn();
}

/** Each prepares what is not measured and gives what is. */
const OPERATIONS = {
  open: async ({ manager }) => {
    await turned(manager, "opened");
    let conversation;
    return {
      act: async () => {
        conversation = await manager.open("opened");
      },
      after: () => conversation.close(),
    };
  },
  "open, new": async ({ manager }) => {
    const id = `new-${(added += 1)}`;
    let conversation;
    return {
      act: async () => {
        conversation = await manager.open(id);
      },
      after: async () => {
        await conversation.close();
        await manager.remove(id, { purge: true }).catch(() => undefined);
      },
    };
  },
  "end of turn": async ({ held }) => {
    say(held);
    return { act: () => held.endTurn() };
  },
  backup: async ({ manager }) => {
    await changed(manager, "backed-up");
    return { act: () => manager.backup("backed-up") };
  },
  "restore latest": async ({ manager }) => {
    await turned(manager, "restored");
    await changed(manager, "restored");
    return { act: () => manager.restore("restored", "latest") };
  },
  rm: async ({ manager }) => {
    await turned(manager, "removed");
    return { act: () => manager.remove("removed"), after: () => manager.undo("removed") };
  },
  undo: async ({ manager }) => {
    await turned(manager, "undone");
    await manager.remove("undone");
    return { act: () => manager.undo("undone") };
  },
  "import of one more in a batch": async ({ manager }) => {
    const id = `imported-${(added += 1)}`;
    const version = {
      state: freezeJson(ended(2)),
      info: { createdAt: "2026-01-14T21:30:00.000Z", title: "Tell me a story" },
      revision: 1,
    };
    return {
      act: () => manager.import({ id, version, points: [], at: "2026-01-14T21:30:01.000Z" }),
      after: () => manager.remove(id, { purge: true }),
    };
  },
  [STREAMING]: async (store) => ({ act: () => streamed(store, 3), after: () => answered(store) }),
};

/** The library's own listing is not to excuse itself: what is plain is readdir, sorted. */
async function plainListing(directory) {
  for (const name of ["state", "backup"]) (await readdir(join(directory, name))).sort();
}

async function opened(directory) {
  const [manager, timed] = [managerIn(directory), managerIn(directory, { autoSave: true, autoSaveInterval: INTERVAL })];
  const held = await manager.open("held");
  const streaming = await timed.open("streaming");
  // The first end of turn of a session may look for its backups.
  for (const conversation of [held, streaming]) {
    say(conversation);
    await conversation.endTurn();
  }
  return {
    held,
    streaming,
    manager,
    timed,
    close: async () => {
      await manager.close();
      await timed.close();
    },
  };
}

async function sample(prepare, store) {
  const { act, after } = await prepare(store);
  const cost = await costOf(act);
  await after?.();
  return cost;
}

function rowsOf(name, samples, listings, count) {
  const of = (store, kind) => samples[store].map((cost) => cost[kind]);
  const what = `${name}, among ${count.toLocaleString("en-US")} conversations and ${(count * BACKUPS).toLocaleString("en-US")} backups`;
  const mayList = !["end of turn", "import of one more in a batch", STREAMING].includes(name);
  return ["cpu", "wall"].flatMap((kind) => {
    const [small, large] = [of("empty", kind), of("large", kind)];
    const listing = spread(listings.map((cost) => cost[kind])).median;
    const [id, unit] = [`scale-${name.replaceAll(/\W+/g, "-")}-${kind}`, kind === "cpu" ? "CPU" : "wall"];
    const seen = {
      empty: `${figure(spread(small).median)} ms`,
      large: `${figure(spread(large).median)} ms`,
      "plain listing": `${figure(listing)} ms`,
    };
    const common = { guarantee: "durable as ever", seen };
    const ratio = row({
      ...common,
      id,
      what: `${what}, ${unit}`,
      target: mayList ? "" : "≤ 1.5",
      against: "the same in an empty store",
      ratio: spread(large.map((cost, index) => cost / small[index])),
    });
    const more = row({
      ...common,
      id: `${id}-listing`,
      what: `what that is more, ${unit}`,
      target: "≤ 1",
      against: "one plain listing (readdir, sorted) of both directories",
      ratio: spread(large.map((cost, index) => (cost - small[index]) / listing)),
    });
    return mayList ? [ratio, more] : [ratio];
  });
}

export async function scale({ scratch, rounds, count }) {
  const [empty, large] = [scratch.directory(), scratch.directory()];
  fill(empty, 0);
  fill(large, count);
  const stores = { empty: await opened(empty), large: await opened(large) };
  const listings = [];
  for (let round = 0; round < rounds; round += 1) listings.push(await costOf(() => plainListing(large)));
  const rows = [];
  for (const [name, prepare] of Object.entries(OPERATIONS)) {
    const samples = { empty: [], large: [] };
    for (const store of ["empty", "large"]) await sample(prepare, stores[store]); // warms up, not counted
    for (let round = 0; round < rounds; round += 1) {
      for (const store of round % 2 === 0 ? ["empty", "large"] : ["large", "empty"])
        samples[store].push(await sample(prepare, stores[store]));
    }
    rows.push(...rowsOf(name, samples, listings, count));
  }
  for (const { close } of Object.values(stores)) await close();
  return rows;
}
