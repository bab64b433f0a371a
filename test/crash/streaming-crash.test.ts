/**
 * Power loss at every operation of a conversation's life, in every state the disk may be left in: what was acknowledged
 * is there, nothing that never was is believed, recovery leaves nothing to complain of, and a second one changes nothing.
 * The last tests take each kind of sync away and must see it.
 */
import { describe, expect, test } from "vitest";
import type { AgentState } from "../../src/model/conversation.js";
import type { Conversation } from "../../src/session/conversation.js";
import type { DraftStatePersistenceManager } from "../../src/manager.js";
import { messageOf } from "../../src/errors.js";
import type { FileSystem } from "../../src/storage/file-system.js";
import { begin, end, managerOver } from "../doubles/managers.js";
import { ProcessWorld } from "../doubles/process-world.js";
import { SimulatedFileSystem, type CrashState } from "../doubles/simulated-file-system.js";
import { storageOver } from "../doubles/storage-over.js";

const ID = "chat";

interface Acknowledged {
  readonly revision: number;
  /** Operations issued when it was acknowledged. */
  readonly at: number;
}

interface Life {
  readonly disk: SimulatedFileSystem;
  /** The state at each revision, as text. */
  readonly states: ReadonlyMap<number, string>;
  readonly acknowledged: readonly Acknowledged[];
}

function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === "object" && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}

type Wrap = (fs: FileSystem) => FileSystem;

/** A new conversation, two turns token by token, compaction, backups, retention, a restore and what comes after it. */
async function live(wrap: Wrap = (fs) => fs): Promise<Life> {
  const disk = new SimulatedFileSystem();
  const states = new Map<number, string>();
  const acknowledged: Acknowledged[] = [];
  const manager = managerOver(storageOver(wrap(disk), new ProcessWorld("boot-1").table(1), "w"), {
    maxBackups: 3,
    saveOnToken: false,
  });
  const conversation = await manager.open(ID);
  const did = async (act: () => unknown): Promise<void> => {
    await act();
    states.set(conversation.revision, canonical(conversation.state));
  };
  const saved = async (): Promise<void> => {
    await conversation.flush();
    acknowledged.push({ revision: conversation.revision, at: disk.operationCount });
  };
  await did(() => undefined);
  await saved();
  await did(() => {
    begin(conversation, "Tell me a story");
  });
  for (let token = 1; token <= 8; token += 1) {
    await did(() => {
      conversation.appendToken(` t${token}`);
    });
    if (token % 3 !== 0) await saved();
    if (token === 5) await conversation.compact();
  }
  await did(() => {
    end(conversation);
  });
  await conversation.endTurn();
  await saved();
  await did(() => {
    begin(conversation, "And then?");
  });
  await did(() => {
    conversation.appendToken(" next");
  });
  await saved();
  await conversation.backup();
  await did(() => {
    end(conversation);
  });
  await conversation.endTurn();
  await saved();
  await manager.prune({ id: ID, max: 1 });
  await did(() => manager.restore(ID, "latest"));
  await saved();
  await did(() => {
    begin(conversation, "Once more");
  });
  await did(() => {
    conversation.appendToken(" last");
  });
  await saved();
  await conversation.close();
  return { disk, states, acknowledged };
}

async function openState(
  manager: DraftStatePersistenceManager,
): Promise<{ state: AgentState; revision: number; conversation: Conversation }> {
  const conversation = await manager.open(ID, { expect: "existing" });
  return { state: conversation.state, revision: conversation.revision, conversation };
}

/** Where a state is one of the true ones: as it was, or with its answer interrupted. */
function revisionsOf(life: Life, state: AgentState): number[] {
  const text = canonical(state);
  const last = state.messages.at(-1);
  const uninterrupted =
    last?.status === "interrupted"
      ? canonical({
          ...state,
          messages: state.messages.slice(0, -1),
          streamingProperties: { ...state.streamingProperties, streamingEndTime: null },
        } satisfies AgentState)
      : text;
  return [...life.states]
    .filter(([, known]) => known === text || known === uninterrupted)
    .map(([revision]) => revision);
}

/** What was found on each disk by what had been acknowledged: one on which a reader finds the same is looked at once. */
type Known = Map<string, string | undefined>;

async function problemAfter(life: Life, crash: CrashState, after: number, known: Known): Promise<string | undefined> {
  const expected = Math.max(0, ...life.acknowledged.filter(({ at }) => at <= after).map(({ revision }) => revision));
  const key = `${expected} ${crash.fingerprint}`;
  if (!known.has(key)) known.set(key, await problemOn(life, crash.fileSystem, expected).catch(messageOf));
  return known.get(key);
}

async function problemOn(life: Life, fileSystem: SimulatedFileSystem, expected: number): Promise<string | undefined> {
  const first = managerOver(storageOver(fileSystem, new ProcessWorld("boot-2").table(1), "r"));
  if (expected === 0 && (await first.loadState(ID)) === null) return undefined;
  const seen = await first.loadState(ID);
  const { state, revision, conversation } = await openState(first);
  if (canonical(seen) !== canonical(state)) return "readers saw another state than the writer";
  const true_ = revisionsOf(life, state);
  if (true_.length === 0) return `a state is believed that never was: ${canonical(state).slice(0, 300)}`;
  if (Math.max(...true_) < expected) return `revision ${expected} was acknowledged, found ${true_.join()}`;
  await conversation.close();
  const { ok, problems } = await first.verify();
  if (!ok) return `verify says ${JSON.stringify(problems)}`;
  const second = managerOver(storageOver(fileSystem, new ProcessWorld("boot-3").table(1), "s"));
  let recovered = 0;
  second.on("recovered", () => (recovered += 1));
  const again = await openState(second);
  await again.conversation.close();
  if (recovered > 0 || again.revision !== revision || canonical(again.state) !== canonical(state))
    return "a second recovery changed something";
  return undefined;
}

async function explore(life: Life, every: number): Promise<{ states: number; problems: string[] }> {
  const problems: string[] = [];
  const known: Known = new Map();
  let states = 0;
  for (let after = 0; after <= life.disk.operationCount; after += every) {
    for (const crash of life.disk.crashStates({ after })) {
      states += 1;
      const problem = await problemAfter(life, crash, after, known);
      if (problem !== undefined) problems.push(`after ${after} operations: ${problem} [${crash.label}]`);
      if (problems.length > 5) return { states, problems };
    }
  }
  return { states, problems };
}

const withoutDirectorySync: Wrap = (fs) =>
  new Proxy(fs, {
    get: (target, name) =>
      name === "syncDirectory"
        ? () => Promise.resolve()
        : (Reflect.get(target, name) as (...args: unknown[]) => unknown).bind(target),
  });

const withoutFileSync: Wrap = (fs) =>
  new Proxy(fs, {
    get: (target, name) => {
      if (name !== "createFile") return (Reflect.get(target, name) as (...args: unknown[]) => unknown).bind(target);
      return async (path: string) => ({ ...(await target.createFile(path)), sync: () => Promise.resolve() });
    },
  });

describe("a crash at any operation of a conversation's life", () => {
  test("loses nothing acknowledged, believes nothing torn, and is recovered once", { timeout: 120_000 }, async () => {
    const life = await live();
    const { states, problems } = await explore(life, 1);
    console.info(`${life.disk.operationCount} operations, ${states} crash states`);
    expect(problems).toEqual([]);
    expect(states).toBeGreaterThan(500);
  });

  test("and another one during the recovery, loses nothing either", { timeout: 120_000 }, async () => {
    const life = await live();
    const problems: string[] = [];
    const known: Known = new Map();
    let states = 0;
    for (let after = 40; after <= life.disk.operationCount; after += 23) {
      for (const { fileSystem } of [...life.disk.crashStates({ after })].slice(0, 3)) {
        await managerOver(storageOver(fileSystem, new ProcessWorld("boot-between").table(1), "x"))
          .open(ID)
          .catch(() => undefined);
        for (let again = 0; again <= fileSystem.operationCount; again += 1) {
          for (const state of fileSystem.crashStates({ after: again })) {
            states += 1;
            const problem = await problemAfter(life, state, after, known);
            if (problem !== undefined) problems.push(`after ${after}, then ${again}: ${problem} [${state.label}]`);
          }
        }
      }
    }
    console.info(`${states} crash states within recoveries`);
    expect(problems.slice(0, 5)).toEqual([]);
  });
});

describe("the exploration can see", () => {
  test("a journal without file syncs", { timeout: 60_000 }, async () => {
    expect((await explore(await live(withoutFileSync), 1)).problems).not.toEqual([]);
  });

  test("snapshots without directory syncs", { timeout: 60_000 }, async () => {
    expect((await explore(await live(withoutDirectorySync), 1)).problems).not.toEqual([]);
  });
});
