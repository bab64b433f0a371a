/**
 * Two writers and more, as real processes: every update counts, a dead owner's lock is there at once, a stopped one's is not.
 * In the gate each of 8 processes makes 20 updates, with `npm run test:kills` 16 make 50.
 */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { AgentState } from "../../src/model/conversation.js";
import { createDraftStatePersistenceManager } from "../../src/create-manager.js";
import type { DraftStatePersistenceManager } from "../../src/manager.js";
import { codeRejected } from "../doubles/error-code.js";
import { until } from "../e2e/cli.js";
import { toldBy } from "./told-tokens.js";
import { Victim } from "./victim.js";

const ID = "shared";
const PROCESSES = Number(process.env["DRAFTSTATE_PROCESSES"] ?? 8);
const UPDATES = Number(process.env["DRAFTSTATE_UPDATES"] ?? 20);
const STREAM = { id: ID, tokens: 100_000, foldEvery: 0, backupEvery: 0, pruneEvery: 0, pause: 1 };

let directory: string;
let directories: { stateDir: string; backupDir: string };
let manager: DraftStatePersistenceManager;
const victims = new Set<Victim>();

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "draftstate-writers-"));
  directories = { stateDir: join(directory, "state"), backupDir: join(directory, "backup") };
  manager = createDraftStatePersistenceManager({ ...directories, autoSave: false });
});

afterEach(async () => {
  await manager.close();
  for (const victim of victims) await victim.kill();
  victims.clear();
  await rm(directory, { recursive: true, force: true });
});

function start(orders: object): Victim {
  const victim = Victim.program("streamer", { ...STREAM, settings: directories, ...orders });
  victims.add(victim);
  return victim;
}

function cli(...args: string[]): Victim {
  const victim = Victim.cli(args, { DRAFTSTATE_OFFLINE_TOKEN_DELAY: "0" }, directory);
  victims.add(victim);
  return victim;
}

async function streaming(orders: object = {}): Promise<Victim> {
  const victim = start(orders);
  expect(await victim.says("ack")).toBe(true);
  return victim;
}

describe(`${PROCESSES} processes with ${UPDATES} updates each`, { timeout: 300_000 }, () => {
  test.each([
    ["which open it anew for each", false],
    ["which hold it for all of theirs", true],
  ])("%s, lose none", async (_name, keepOpen) => {
    const orders = {
      id: ID,
      updates: UPDATES,
      keepOpen,
      settings: { ...directories, lockTimeout: 280_000, autoSave: false },
    };
    const counters = Array.from({ length: PROCESSES }, () => Victim.program("counter", orders));
    for (const counter of counters) victims.add(counter);
    await Promise.all(counters.map((counter) => counter.ended()));
    expect(counters.map((counter) => [counter.status, counter.stderr])).toEqual(counters.map(() => [0, ""]));
    expect(await manager.loadState(ID)).toMatchObject({ count: PROCESSES * UPDATES });
    expect((await manager.verify()).problems).toEqual([]);
  });
});

describe("a writer that is killed", () => {
  test("is followed by another without waiting, which has all that was acknowledged", async () => {
    const owner = await streaming();
    await owner.kill();
    const conversation = await manager.open(ID, { expect: "existing", lockTimeout: 0 });
    const told = toldBy(conversation.state);
    await conversation.close();
    expect(told.untrue).toEqual([]);
    expect(owner.acknowledged.filter((revision) => !told.revisions.has(revision))).toEqual([]);
  });

  test("is followed by one that was waiting for it", async () => {
    const owner = await streaming();
    const opening = manager.open(ID, { lockTimeout: 60_000 });
    await owner.kill();
    await (await opening).close();
  });

  test("is followed by exactly one of many that waited, one after another", async () => {
    const owner = await streaming();
    const heirs = Array.from({ length: 4 }, () => start({ tokens: 3, openOptions: { lockTimeout: 60_000 } }));
    await Promise.all(heirs.map((heir) => heir.says("begin")));
    await owner.kill();
    for (let left = heirs; left.length > 0;) {
      const holder = await until(
        () => left.find((heir) => heir.lines.some((line) => line.startsWith("opened"))),
        () => "an heir",
      );
      expect(left.filter((heir) => heir.lines.some((line) => line.startsWith("opened")))).toEqual([holder]);
      left = left.filter((heir) => heir !== holder);
      await holder.kill();
    }
  });
});

describe("a writer that is stopped", () => {
  test("keeps its lock: LOCKED with pid and command, exit 5; and it continues unharmed", async () => {
    const owner = await streaming();
    owner.signal("SIGSTOP");
    expect(await codeRejected(manager.open(ID, { lockTimeout: 300 }))).toBe("LOCKED");
    const chat = cli("chat", "--resume", ID, "Go on");
    await chat.ended();
    expect([chat.status, chat.stderr]).toEqual([
      5,
      expect.stringMatching(new RegExp(`locked: .*pid ${owner.pid} on .* since .*: end that, wait for it`)),
    ]);
    const before = owner.acknowledged.length;
    owner.signal("SIGCONT");
    await until(
      () => (owner.acknowledged.length > before + 20 ? true : undefined),
      () => "it goes on",
    );
    await owner.kill();
    const told = toldBy((await manager.loadState(ID)) as AgentState);
    expect(told.untrue).toEqual([]);
    expect(owner.acknowledged.filter((revision) => !told.revisions.has(revision))).toEqual([]);
  });

  test("whose lock was taken away meanwhile writes no snapshot over its heir's", async () => {
    const owner = await streaming({
      foldEvery: 0,
      settings: { ...directories, journalBudget: 1024, autoSaveInterval: 20 },
    });
    owner.signal("SIGSTOP");
    await rm(join(directories.stateDir, ".draftstate", "locks", `${ID}.lock`));
    const heir = await manager.open(ID, { expect: "existing" });
    heir.update((draft) => {
      draft.currentNarrative = "the heir's";
    });
    await heir.flush();
    await heir.close();
    const before = await readFile(join(directories.stateDir, `${ID}.json`), "utf8");
    owner.signal("SIGCONT");
    await until(
      () => (owner.hasEnded ? true : undefined),
      () => "it gives up",
    ).catch(() => undefined);
    expect(await readFile(join(directories.stateDir, `${ID}.json`), "utf8")).toBe(before);
  });
});

describe("readers, while a writer streams, folds, backs up and prunes", () => {
  const BUSY = { pause: 0, foldEvery: 25, backupEvery: 40, pruneEvery: 80 };
  const NAMES = { journalBudget: 1024, autoSaveInterval: 10 };

  test("see only true states, each at least as new as what was acknowledged when they began, and no problems", async () => {
    const owner = await streaming({ ...BUSY, settings: { ...directories, ...NAMES } });
    let last = 0;
    for (let look = 0; look < 50; look += 1) {
      const acknowledged = owner.acknowledged.at(-1) ?? 0;
      const loaded = await manager.load(ID);
      const told = toldBy(loaded?.state as unknown as AgentState);
      expect(told.untrue).toEqual([]);
      expect(loaded?.metadata.status).toBe("streaming");
      expect(loaded?.metadata.revision).toBeGreaterThanOrEqual(Math.max(last, acknowledged));
      last = loaded?.metadata.revision ?? 0;
      expect((await manager.verify()).problems).toEqual([]);
      expect(await manager.list()).toEqual([expect.objectContaining({ conversationId: ID, status: "streaming" })]);
      expect((await manager.listBackups(ID).catch(() => [])).filter((backup) => !backup.valid)).toEqual([]);
    }
    expect(owner.hasEnded).toBe(false);
  });

  test("as commands too", async () => {
    const owner = await streaming({ ...BUSY, settings: { ...directories, ...NAMES } });
    let last = 0;
    for (let look = 0; look < 3; look += 1) {
      const commands = [cli("ls", "--json"), cli("show", ID, "--json"), cli("verify", "--json")];
      await Promise.all(commands.map((command) => command.ended()));
      expect(commands.map((command) => [command.status, command.stderr])).toEqual(commands.map(() => [0, ""]));
      const [rows, shown] = commands.map((command) => JSON.parse(command.lines.join("\n")) as unknown);
      expect(rows).toEqual([expect.objectContaining({ conversationId: ID, status: "streaming" })]);
      const { _metadata: metadata, ...state } = shown as AgentState & { _metadata: { revision: number } };
      expect(toldBy(state).untrue).toEqual([]);
      expect(metadata.revision).toBeGreaterThan(last);
      last = metadata.revision;
    }
    expect(owner.hasEnded).toBe(false);
  });
});
