/** Kills and absences at moments of their own: between a pending record and its content, over a claim, over the file of a fork. */
import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import type { Conversation } from "../../src/index.js";
import { Child } from "./child.js";
import {
  add,
  cleanUp,
  CONTENT,
  Disk,
  fallbackIn,
  ID,
  lockFiles,
  managerIn,
  outcome,
  sleep,
  stateDirectory,
  temporaryDirectory,
  texts,
  told,
  turnedStorage,
  turns,
  type Turn,
} from "./seam.js";

const children: Child[] = [];

afterEach(async () => {
  for (const child of children.splice(0)) await child.kill();
  await cleanUp();
});

function nameOf(key: unknown): string {
  return String(Reflect.get(key as object, "name"));
}

test("no update becomes durable between a restore's pending record and its content, so that a kill there is told from the restore", async () => {
  const directory = temporaryDirectory();
  const open: { conversation?: Conversation } = {};
  let [isPending, written] = [false, 0];
  const log: Turn = async (go) => {
    if (isPending) written += 1;
    return go();
  };
  let killed = (): void => undefined;
  const isKilled = new Promise<void>((resolve) => {
    killed = resolve;
  });
  let looked = (): void => undefined;
  const isLookedAt = new Promise<void>((resolve) => {
    looked = resolve;
  });
  const replace: Turn = async (go, key) => {
    const done = await go();
    if (!nameOf(key).startsWith("pending_") || open.conversation === undefined) return done;
    isPending = true;
    add(open.conversation, "three");
    open.conversation.flush().catch(() => undefined);
    // As much time as a batch could want; what is on the disk now is what a kill leaves.
    await sleep(50);
    killed();
    await isLookedAt;
    return done;
  };
  const manager = managerIn(directory, { storage: turnedStorage(directory, { replace, createLog: log }) });
  open.conversation = await manager.open(ID);
  await turns(open.conversation, "one", "two");
  const restored = outcome(manager.restore(ID, "@1"));
  await isKilled;
  isPending = false;
  const left = [
    written,
    texts(await managerIn(directory).loadState(ID)),
    readdirSync(stateDirectory(directory)).includes(`${ID}.journal`),
  ];
  looked();
  await restored;
  expect(left).toEqual([0, ["one", "two"], false]);
});

describe("a kill -9 of a process", () => {
  async function killedWhen(script: string): Promise<void> {
    const child = new Child(script);
    children.push(child);
    expect(await child.line()).toBe("now");
    await child.kill();
  }

  test("over the file of a fork: the next writer of the fork's name sweeps it", async () => {
    const directory = temporaryDirectory();
    await told(directory, ["one"]);
    await killedWhen(`
      const { createLocalStorage } = await import(${JSON.stringify(new URL("../../dist/index.js", import.meta.url).href)});
      const [stateDir, backupDir] = [${JSON.stringify(directory)} + "/state", ${JSON.stringify(directory)} + "/backup"];
      const storage = createLocalStorage({ stateDir, backupDir, command: "test" });
      const replace = storage.replace.bind(storage);
      storage.replace = async (key, content, guard) => {
        if (key.name !== "copy.json") return replace(key, content, guard);
        async function* endless() { yield Buffer.from("half"); say("now"); await new Promise((done) => setTimeout(done, 1e6)); }
        return replace(key, endless(), guard);
      };
      const manager = createDraftStatePersistenceManager({ stateDir, backupDir, storage, metrics: false, telemetry: false, autoSave: false, retryAttempts: 0 });
      await manager.fork(${JSON.stringify(ID)}, { newId: "copy" });
    `);
    const aside = (): string[] => readdirSync(stateDirectory(directory)).filter((name) => name.startsWith(".tmp-"));
    expect(aside()).toHaveLength(1);
    const manager = managerIn(directory);
    await manager.fork(ID, { newId: "copy" });
    expect([aside(), texts(await manager.loadState("copy"))]).toEqual([[], ["one"]]);
  });
});

describe("a lock whose claims are out of reach", () => {
  /** The lock of a dead process, with a directory in the place of the claim on it: that can be neither read nor taken. */
  async function unclaimable(): Promise<{ readonly directory: string; readonly claim: string }> {
    const directory = temporaryDirectory();
    await told(directory, ["one"]);
    const child = new Child(`
      const conversation = await managerIn(${JSON.stringify(directory)}).open(${JSON.stringify(ID)});
      say("now"); await hear();
    `);
    children.push(child);
    expect(await child.line()).toBe("now");
    await child.kill();
    const locks = join(stateDirectory(directory), ".draftstate", "locks");
    const { nonce } = JSON.parse(readFileSync(join(locks, `${ID}.lock`), "utf8")) as { readonly nonce: string };
    const claim = join(locks, `${ID}.lock.${nonce}`);
    mkdirSync(claim);
    return { directory, claim };
  }

  test("is LOCKED, names the lock, and is not taken over; it is once the claim can be had", async () => {
    const { directory, claim } = await unclaimable();
    const manager = managerIn(directory);
    await expect(manager.open(ID)).rejects.toMatchObject({
      code: "LOCKED",
      path: claim.slice(0, claim.lastIndexOf(".")),
    });
    expect(lockFiles(directory)).toEqual([`${ID}.lock`]);
    expect(texts(await manager.loadState(ID))).toEqual(["one"]);
    renameSync(claim, `${directory}/claim`);
    writeFileSync(claim, "no record either");
    expect(await outcome(manager.open(ID))).toBe("LOCKED");
    renameSync(claim, `${directory}/claim too`);
    expect(await outcome(manager.open(ID))).toBe("ok");
  });
});

test("a kill over the fork that a spill becomes: the next writer sweeps it, and makes the fork", async () => {
  const directory = temporaryDirectory();
  const disk = new Disk(directory, CONTENT);
  const spilling = managerIn(directory, { storage: disk.storage, ...fallbackIn(directory) });
  const conversation = await spilling.open(ID);
  await turns(conversation, "one");
  disk.full = true;
  add(conversation, "spilled");
  await outcome(spilling.close());
  await told(directory, ["moved on"]);
  const child = new Child(`
    const { createLocalStorage } = await import(${JSON.stringify(new URL("../../dist/index.js", import.meta.url).href)});
    const [stateDir, backupDir] = [${JSON.stringify(directory)} + "/state", ${JSON.stringify(directory)} + "/backup"];
    const storage = createLocalStorage({ stateDir, backupDir, command: "test" });
    const create = storage.create.bind(storage);
    storage.create = async (key, content, guard) => {
      if (!key.name.includes("-spill-")) return create(key, content, guard);
      async function* endless() { yield Buffer.from("half"); say("now"); await new Promise((done) => setTimeout(done, 1e6)); }
      return create(key, endless(), guard);
    };
    const manager = createDraftStatePersistenceManager({ stateDir, backupDir, storage, fallbackDir: ${JSON.stringify(fallbackIn(directory).fallbackDir)}, metrics: false, telemetry: false, autoSave: false, retryAttempts: 0 });
    await manager.open(${JSON.stringify(ID)});
  `);
  children.push(child);
  expect(await child.line()).toBe("now");
  await child.kill();
  const aside = (): string[] => readdirSync(stateDirectory(directory)).filter((name) => name.startsWith(".tmp-"));
  expect(aside()).toHaveLength(1);
  const manager = managerIn(directory, fallbackIn(directory));
  await manager.open(ID);
  expect([aside(), (await manager.ids()).length]).toEqual([[], 2]);
});
