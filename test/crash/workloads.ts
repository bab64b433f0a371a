/**
 * What people do with a conversation, as deeds in a row: the power-loss exploration and the sweep of faults run each of
 * them. A deed may fail where a fault was planted; the next ones then go on as a program would.
 */
import type { Conversation } from "../../src/session/conversation.js";
import type { ManagerOptions } from "../../src/manager.js";
import { contentOf, loseUnreachable, type DiskImage, type DiskOperation } from "../doubles/disk-image.js";
import { begin, end } from "../doubles/managers.js";
import { STATE_DIR } from "../doubles/storage-over.js";
import type { Stage } from "./stage.js";
import { ID } from "./world.js";

export type Deed = (stage: Stage) => Promise<void>;

export interface Workload {
  readonly options?: ManagerOptions;
  readonly withFallback?: boolean;
  /** How an edited snapshot is dealt with after a crash. */
  readonly repair?: { readonly accept: boolean };
  /** Played first, and durable before the deeds begin. */
  readonly before?: readonly Deed[];
  /** Changes what is on the disk between the two, and gives the bytes that must never go. */
  readonly between?: (image: DiskImage) => Uint8Array;
  /** Instead of that: the process is killed after the first such operation, the machine runs on, nothing more is durable than was. */
  readonly killedAfter?: (operation: DiskOperation) => boolean;
  readonly deeds: readonly Deed[];
}

const write =
  (act: (conversation: Conversation, stage: Stage) => unknown): Deed =>
  (stage) =>
    stage.write((conversation) => act(conversation, stage));
const change = (act: (conversation: Conversation) => void): Deed =>
  write((conversation, stage) => {
    stage.change(conversation, act);
  });
const save = write((conversation) => conversation.flush());
const close: Deed = (stage) => stage.close();
const ask = (question: string): Deed =>
  change((conversation) => {
    begin(conversation, question);
  });
const token = (text: string): Deed =>
  change((conversation) => {
    conversation.appendToken(text);
  });
const answered = change(end);
const turnEnds = write((conversation) => conversation.endTurn());
const turn = (question: string, ...tokens: string[]): readonly Deed[] => [
  ask(question),
  ...tokens.map(token),
  answered,
  turnEnds,
];
const restoreLatest: Deed = (stage) => stage.restore("~1");

const LIVED = [
  ...turn("Tell me", "Once", " upon"),
  ...turn("And then?", " a", " time"),
  ask("More?"),
  token(" there"),
  save,
];
const SNAPSHOT = `${STATE_DIR}/${ID}.json`;
const JOURNAL = `${STATE_DIR}/${ID}.journal`;

function fileAt(image: DiskImage, path: string): Buffer {
  const inode = image.entries.get(path);
  if (inode === undefined) throw new Error(`${path} is not there`);
  return Buffer.from(contentOf(image, inode));
}

/** As an editor does it: another file under the same name. */
function rewrite(image: DiskImage, path: string, bytes: Uint8Array): Uint8Array {
  const inode = Math.max(0, ...image.contents.keys(), ...image.entries.values()) + 1;
  image.entries.set(path, inode);
  image.contents.set(inode, bytes);
  return bytes;
}

function editSnapshot(image: DiskImage): Uint8Array {
  // Brought here by someone who took the files that can be seen, and not the folder that is ours.
  image.directories.delete(`${STATE_DIR}/.draftstate`);
  loseUnreachable(image);
  return rewrite(image, SNAPSHOT, Buffer.from(fileAt(image, SNAPSHOT).toString().replace("Tell me", "Tell us")));
}

function damageSnapshot(image: DiskImage): Uint8Array {
  const bytes = fileAt(image, SNAPSHOT);
  return rewrite(image, SNAPSHOT, bytes.subarray(0, bytes.length >> 1));
}

function tearJournal(image: DiskImage): Uint8Array {
  return rewrite(image, JOURNAL, Buffer.concat([fileAt(image, JOURNAL), Buffer.from('{"crc":"00000000","len":5')]));
}

function plantDraft(image: DiskImage): Uint8Array {
  const messages = [
    { role: "user", content: "Tell me" },
    { type: "ai", content: "Once" },
  ];
  const streamingProperties = {
    lastToken: "",
    tokenCount: 1,
    streamingProgress: 100,
    partialResponse: "Once",
    streamingStartTime: null,
    streamingEndTime: null,
  };
  const document = {
    messages,
    currentNarrative: "Once",
    streamingProperties,
    _metadata: { savedAt: "2025-01-14T21:30:00.000Z", version: "1.0.0-draft", conversationId: ID },
  };
  for (const directory of ["/store", STATE_DIR]) image.directories.add(directory);
  return rewrite(image, SNAPSHOT, Buffer.from(JSON.stringify(document, null, 2)));
}

const NEW: readonly Deed[] = [write(() => undefined), save];
const isRename =
  (path: string) =>
  (operation: DiskOperation): boolean =>
    operation.kind === "rename" && operation.path === path;

/** Tokens arrive and are saved while a snapshot is being written. */
const compactWhileTelling = write(async (conversation, stage) => {
  const compacted = conversation.compact();
  compacted.catch(() => undefined);
  for (const text of [" in", " the", " sea"]) {
    stage.change(conversation, () => {
      conversation.appendToken(text);
    });
    await conversation.flush();
  }
  await compacted;
});

/** One of the three repairs is enough for the gate: the others differ in what they begin from. */
const DEPTH_ONLY = ["repair of an edit", "repair --accept"];

/** What begins with something to mend or to bring back: half of the calls. */
export function isMending(name: string): boolean {
  return name.startsWith("repair") || name === "restore" || name === "removal and undo";
}

/** Those of the gate, or all of them in depth. */
export function workloadsOf(isDeep: boolean): readonly (readonly [string, Workload])[] {
  return Object.entries(WORKLOADS).filter(([name]) => isDeep || !DEPTH_ONLY.includes(name));
}

export const WORKLOADS: Readonly<Record<string, Workload>> = {
  "new conversation": { deeds: [...NEW, ask("Tell me"), save, token("Once"), save, close] },
  "streaming with compaction": {
    options: { saveOnToken: true },
    before: turn("Tell me", "Once"),
    deeds: [
      ask("And then?"),
      token(" upon"),
      save,
      token(" a"),
      save,
      token(" time"),
      token(" there"),
      save,
      write((conversation) => conversation.compact()),
      token(" was"),
      save,
      write((conversation) => conversation.backup({ reason: "interim" })),
      token(" one"),
      compactWhileTelling,
      save,
      answered,
      turnEnds,
      ask("More?"),
      save,
      close,
    ],
  },
  "backup and prune": {
    before: turn("Tell me", "Once"),
    deeds: [
      ...turn("And then?", " upon"),
      write((conversation) => conversation.backup({ reason: "manual", tag: "kept" })),
      ...turn("More?", " a"),
      ...turn("More?", " time"),
      ...turn("More?", " there"),
      write((conversation) => conversation.backup()),
      (stage) => stage.prune({ id: ID, max: 1 }),
      close,
      (stage) => stage.prune({ id: ID, max: 0, purge: true }),
      (stage) => stage.manage((manager) => manager.backup(ID)),
      close,
    ],
  },
  restore: {
    before: turn("Tell me", "Once"),
    deeds: [
      ...turn("And then?", " upon"),
      ask("More?"),
      save,
      restoreLatest,
      ask("Again?"),
      token(" time"),
      save,
      close,
      restoreLatest,
      close,
    ],
  },
  migration: { between: plantDraft, deeds: [write(() => undefined), save, ...turn("And then?", " upon"), close] },
  fallback: {
    withFallback: true,
    before: turn("Tell me", "Once"),
    deeds: [
      ask("And then?"),
      save,
      (stage) => stage.fillStateDirectory(),
      token(" upon"),
      save,
      token(" a"),
      save,
      (stage) => stage.emptyStateDirectory(),
      token(" time"),
      save,
      (stage) => stage.fillStateDirectory(),
      token(" there"),
      save,
      close,
      (stage) => stage.emptyStateDirectory(),
      write(() => undefined),
      save,
      answered,
      turnEnds,
      close,
    ],
  },
  recovery: {
    before: LIVED,
    between: tearJournal,
    deeds: [write(() => undefined), save, ...turn("Once more?", " again"), close],
  },
  repair: {
    before: LIVED,
    between: damageSnapshot,
    deeds: [(stage) => stage.repair({}), ...turn("Once more?", " again"), close],
  },
  "repair of an edit": {
    before: LIVED,
    between: editSnapshot,
    repair: { accept: false },
    deeds: [(stage) => stage.repair({}), ...turn("Once more?", " again"), close],
  },
  "repair --accept": {
    before: LIVED,
    between: editSnapshot,
    repair: { accept: true },
    deeds: [(stage) => stage.repair({ accept: true }), ...turn("Once more?", " again"), close],
  },
  "after a kill": { before: NEW, killedAfter: isRename(SNAPSHOT), deeds: [...NEW, ask("Tell me"), save, close] },
  "after a kill at the start": {
    before: NEW,
    killedAfter: ({ kind }) => kind === "makeDirectory",
    deeds: [...NEW, close],
  },
  "removal and undo": {
    before: LIVED,
    deeds: [(stage) => stage.remove(), (stage) => stage.undo(), ...turn("Once more?", " again"), close],
  },
};
