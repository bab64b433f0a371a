/**
 * Some processes that do this and that with one conversation, on one disk, while the disk is full for a while, the state
 * directory is out of reach, and a process is killed. What was acknowledged is held against what is left.
 */
import { DraftstateError, messageOf as errorMessageOf } from "../../src/errors.js";
import type { DraftStatePersistenceManager } from "../../src/manager.js";
import type { Conversation } from "../../src/session/conversation.js";
import type { Storage } from "../../src/storage/storage.js";
import type { DiskImage } from "../doubles/disk-image.js";
import { interposedFileSystem, interposedStorage } from "../doubles/interposed.js";
import { START } from "../doubles/managers.js";
import { ProcessWorld } from "../doubles/process-world.js";
import { Scheduler, settle, writeSchedule, type Thread } from "../doubles/scheduler.js";
import { SimulatedFileSystem } from "../doubles/simulated-file-system.js";
import { STATE_DIR, storageOver } from "../doubles/storage-over.js";
import { systemError } from "../doubles/system-error.js";
import { atRandom } from "./exploration.js";
import { ID, say, textsOf } from "./operations.js";
import { clock, managerOn, randomFrom, Rejections, resultOf, time } from "./world.js";

const FALLBACK = "/spare";
const AWAY = "/store/away";
const WRITING = new Set(["createFile", "write", "sync", "link", "rename", "makeDirectory", "syncDirectory"]);
const LAST_PID = 99;
const MAX_UNDOS = 30;

export interface LifeReport {
  readonly seed: number;
  readonly acknowledged: number;
  readonly calls: number;
  readonly results: ReadonlyMap<string, number>;
  readonly faults: readonly string[];
  /** What happened, in order: for the message of a failing test. */
  readonly log: readonly string[];
}

interface Process {
  readonly name: string;
  readonly pid: number;
  readonly manager: DraftStatePersistenceManager;
  handle: Conversation | undefined;
  isDead: boolean;
  isClosed: boolean;
}

type Action = (process: Process) => Promise<string>;

/** Every file under the one directory is under the other: open files stay open. */
function moveDirectory(image: DiskImage, from: string, to: string): void {
  const moved = (path: string): string => to + path.slice(from.length);
  const isWithin = (path: string): boolean => path === from || path.startsWith(`${from}/`);
  for (const path of [...image.directories])
    if (isWithin(path)) {
      image.directories.delete(path);
      image.directories.add(moved(path));
    }
  for (const [path, inode] of [...image.entries])
    if (isWithin(path)) {
      image.entries.delete(path);
      image.entries.set(moved(path), inode);
    }
}

export class Life {
  readonly #disk = new SimulatedFileSystem();
  readonly #world = new ProcessWorld();
  readonly #scheduler = new Scheduler(time);
  readonly #random: () => number;
  readonly #now = clock(START);
  readonly #acknowledged = new Set<string>();
  readonly #results = new Map<string, number>();
  readonly #faults: string[] = [];
  readonly #log: string[] = [];
  readonly #processes: Process[] = [];
  readonly #warnings: string[] = [];
  /** Nothing in it takes messages away, so every reader must see all that was acknowledged. */
  readonly #isPlain: boolean;
  readonly #allHaveFallback: boolean;
  readonly #level: "storage" | "files";
  #isFull = false;
  #isAway = false;
  #texts = 0;

  constructor(private readonly seed: number) {
    this.#random = randomFrom(seed);
    this.#isPlain = this.#random() < 0.5;
    this.#allHaveFallback = this.#random() < 0.5;
    this.#level = this.#random() < 0.7 ? "storage" : "files";
  }

  async run(): Promise<LifeReport> {
    time.reset();
    const rejections = new Rejections();
    rejections.begin();
    let calls: readonly string[] = [];
    try {
      if (this.#random() < 0.8) await this.#past();
      const count = 2 + this.#below(2);
      for (let pid = 1; pid <= count; pid += 1) this.#begin(pid);
      const threads = [
        ...this.#processes.map((process) => this.#threadOf(process)),
        { name: "E", act: () => this.#events() },
      ];
      const run = await this.#scheduler.run(threads, atRandom(this.#random, 0.15));
      calls = run.calls;
      for (const name of run.hanging) this.#faults.push(`${name} never ends`);
      await this.#end();
      await settle();
      this.#faults.push(...rejections.found);
      if (this.#faults.length > 0)
        this.#log.push(`decisions ${writeSchedule(run.decisions.map(({ chosen }) => chosen))}`);
    } catch (error) {
      this.#faults.push(`unexpected: ${errorMessageOf(error)}`);
    } finally {
      rejections.end();
    }
    return {
      seed: this.seed,
      acknowledged: this.#acknowledged.size,
      calls: calls.length,
      results: this.#results,
      faults: this.#faults,
      log: this.#log,
    };
  }

  #below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }

  /** A few turns, by a process that has ended. */
  async #past(): Promise<void> {
    const manager = managerOn({
      name: `${this.seed}past`,
      storage: storageOver(this.#disk, this.#world.table(50), "past"),
      now: this.#now,
    });
    const conversation = await manager.open(ID);
    for (let turn = this.#below(4); turn >= 0; turn -= 1) {
      const text = `text${(this.#texts += 1)}.`;
      say(conversation, text);
      await conversation.endTurn();
      this.#acknowledged.add(text);
    }
    if (!this.#isPlain) await this.#somethingToUndo(manager);
    await manager.close();
    this.#world.kill(50);
  }

  /** A restore or a rename; half of the renames are undone, so that there is something to redo. */
  async #somethingToUndo(manager: DraftStatePersistenceManager): Promise<void> {
    if (this.#random() < 0.5) {
      await manager.restore(ID, `@${this.#below((await manager.listBackups(ID)).length)}`);
      return;
    }
    await manager.rename(ID, "of the past");
    if (this.#random() < 0.5) await manager.undo(ID);
  }

  #begin(pid: number): void {
    const name = "ABC".charAt(pid - 1);
    const fallback = this.#allHaveFallback || this.#random() < 0.5;
    const process: Process = {
      name,
      pid,
      handle: undefined,
      isDead: false,
      isClosed: false,
      manager: this.#managerOf(name, pid, fallback, () => process),
    };
    for (const event of ["warning", "recovered", "fallback"] as const)
      process.manager.on(event, (told) => {
        this.#warnings.push(JSON.stringify(told));
      });
    this.#log.push(`${name}: pid ${pid}${fallback ? " with a fallback directory" : ""}`);
    this.#processes.push(process);
  }

  #managerOf(
    name: string,
    pid: number,
    withFallback: boolean,
    process: () => Process | undefined,
  ): DraftStatePersistenceManager {
    const alive = async (call: string, level: "storage" | "files"): Promise<void> => {
      const self = process();
      if (self?.isDead === true) await new Promise(() => undefined);
      if (self?.isClosed === true && level === "storage")
        this.#fault(`${name} works on the store after its close() has resolved: ${call}`);
      if (level === this.#level) await this.#scheduler.point(call);
      if (self?.isDead === true) await new Promise(() => undefined);
    };
    const fs = interposedFileSystem(this.#disk, async (method, call) => {
      await alive(call, "files");
      // The last argument is where it is written.
      const path = call.split(" ").at(-1) ?? "";
      if (this.#isFull && WRITING.has(method) && !path.includes(FALLBACK) && !call.includes(`file ${FALLBACK}`))
        throw systemError("ENOSPC", method, path);
    });
    const storage = (prefix: string, root?: string): Storage =>
      interposedStorage(
        storageOver(fs, this.#world.table(pid), `${name}${prefix}`, root === undefined ? {} : { root }),
        (_method, call) => alive(call, "storage"),
      );
    return managerOn(
      { name: `${this.seed}${name}`, storage: storage("s"), now: this.#now },
      { maxBackups: 4, ...(withFallback ? { fallbackDir: FALLBACK } : {}) },
      withFallback ? storage("f", FALLBACK) : undefined,
    );
  }

  #threadOf(process: Process): Thread {
    const steps = Array.from({ length: 4 + this.#below(5) }, () => this.#choose());
    return {
      name: process.name,
      act: async () => {
        for (const [name, act] of steps) {
          let result: string;
          try {
            result = await act(process);
          } catch (error) {
            result = resultOf(error);
            if (!(error instanceof DraftstateError)) this.#fault(`${process.name} ${name}: ${result}`);
          }
          this.#log.push(`${process.name} ${name}: ${result}`);
          const kind = `${name} ${result.split(" ")[0] ?? ""}`;
          this.#results.set(kind, (this.#results.get(kind) ?? 0) + 1);
        }
      },
    };
  }

  #choose(): [string, Action] {
    const actions = this.#actions();
    const total = actions.reduce((sum, [, weight]) => sum + weight, 0);
    let left = this.#random() * total;
    for (const [name, weight, act] of actions) {
      left -= weight;
      if (left < 0) return [name, act];
    }
    return ["load", (process) => this.#load(process)];
  }

  #actions(): [string, number, Action][] {
    const number = this.#below(3);
    const always: [string, number, Action][] = [
      ["say", 8, (process) => this.#say(process, (handle) => handle.flush())],
      ["turn", 3, (process) => this.#say(process, (handle) => handle.endTurn())],
      ["close", 2, (process) => this.#closeHandle(process)],
      ["load", 3, (process) => this.#load(process)],
      ["backup", 1, async ({ manager }) => manager.backup(ID)],
      ["rename", 1, async ({ manager, name }) => `at ${await manager.rename(ID, `of ${name}`)}`],
      ["list", 1, async ({ manager }) => `${(await manager.list()).length} rows`],
      ["verify", 1, async ({ manager }) => `ok ${(await manager.verify(ID)).ok}`],
      ["prune", 1, async ({ manager }) => `${(await manager.prune({ id: ID, max: 1 })).removed.length} removed`],
    ];
    if (this.#isPlain) return always;
    return [
      ...always,
      ["restore", 3, async ({ manager }) => `to ${(await manager.restore(ID, `@${number}`)).restoredFrom}`],
      ["undo", 3, async ({ manager }) => (await manager.undo(ID)).operation],
      ["redo", 2, async ({ manager }) => (await manager.redo(ID)).operation],
      ["remove", 1, async ({ manager }) => `${(await manager.remove(ID)).removed.length} files`],
      ["repair", 1, async ({ manager }) => `repaired ${(await manager.repair(ID)).repaired}`],
      [
        "fork",
        1,
        async ({ manager, name }) => (await manager.fork(ID, { newId: `copy-${name}-${number}` })).conversationId,
      ],
    ];
  }

  async #say(process: Process, save: (handle: Conversation) => Promise<void>): Promise<string> {
    process.handle ??= await process.manager.open(ID);
    const text = `text${(this.#texts += 1)}.`;
    try {
      say(process.handle, text);
    } catch (error) {
      process.handle = undefined;
      throw error;
    }
    await save(process.handle);
    this.#acknowledged.add(text);
    return `done ${text}`;
  }

  async #closeHandle(process: Process): Promise<string> {
    const { handle } = process;
    process.handle = undefined;
    await handle?.close();
    return "done";
  }

  /** What was acknowledged before the look began is seen, or an error says why not. */
  async #load(process: Process): Promise<string> {
    const before = [...this.#acknowledged];
    const state = await process.manager.loadState(ID);
    const texts = textsOf(state).join();
    const missing = before.filter((text) => !texts.includes(text));
    if (this.#isPlain && this.#allHaveFallback && missing.length > 0)
      this.#fault(
        `${process.name} loads ${state === null ? "nothing" : texts} without ${missing.join()}, and no error says so`,
      );
    return state === null ? "absent" : texts;
  }

  /** What happens to the machine, each for a while. */
  async #events(): Promise<void> {
    const steps = this.#below(4);
    for (let step = 0; step < steps; step += 1) {
      for (let pause = this.#below(12); pause >= 0; pause -= 1) await this.#scheduler.point("passes");
      const kind = this.#below(3);
      if (kind === 0) await this.#full();
      if (kind === 1) await this.#away();
      if (kind === 2) this.#kill();
    }
  }

  async #lasts(): Promise<void> {
    for (let pause = 3 + this.#below(40); pause >= 0; pause -= 1) await this.#scheduler.point("passes");
  }

  async #full(): Promise<void> {
    this.#isFull = true;
    this.#log.push("the disk is full");
    await this.#lasts();
    this.#isFull = false;
    this.#log.push("there is room again");
  }

  async #away(): Promise<void> {
    if (!this.#disk.image.directories.has(STATE_DIR)) return;
    this.#isAway = true;
    moveDirectory(this.#disk.image, STATE_DIR, AWAY);
    await (await this.#disk.createFile(STATE_DIR)).close();
    this.#log.push("the state directory is out of reach");
    await this.#lasts();
    this.#bringBack();
  }

  #bringBack(): void {
    if (!this.#isAway) return;
    this.#isAway = false;
    this.#disk.image.entries.delete(STATE_DIR);
    moveDirectory(this.#disk.image, AWAY, STATE_DIR);
    this.#log.push("the state directory is back");
  }

  #kill(): void {
    const living = this.#processes.filter(({ isDead }) => !isDead);
    const victim = living[this.#below(living.length)];
    if (victim === undefined || living.length === 1) return;
    victim.isDead = true;
    this.#world.kill(victim.pid);
    this.#scheduler.drop(victim.name);
    this.#log.push(`${victim.name} is killed`);
  }

  #fault(what: string): void {
    if (!this.#faults.includes(what)) this.#faults.push(what);
  }

  async #end(): Promise<void> {
    this.#isFull = false;
    this.#bringBack();
    for (const process of this.#processes.filter(({ isDead }) => !isDead)) {
      let result: string | undefined;
      process.manager.close().then(
        () => (result = "ok"),
        (error: unknown) => (result = resultOf(error)),
      );
      await this.#scheduler.runFreely();
      process.isClosed = true;
      this.#log.push(`${process.name} manager.close: ${result ?? "hangs"}`);
      if (result === undefined) this.#fault(`${process.name} manager.close never ends`);
    }
    await this.#scheduler.runFreely();
    await this.#lookAtTheEnd();
  }

  async #lookAtTheEnd(): Promise<void> {
    const last = this.#managerOf("last", LAST_PID, true, () => undefined);
    const told: string[] = [];
    for (const event of ["warning", "recovered", "fallback"] as const)
      last.on(event, (event_) => {
        told.push(JSON.stringify(event_));
      });
    const locks = [...this.#disk.image.entries.keys()].filter((path) => path.endsWith(`/locks/${ID}.lock`));
    const owners = this.#processes.filter(
      ({ isDead, pid }) => !isDead && locks.some((path) => this.#textOf(path).includes(`"pid":${pid},`)),
    );
    for (const { name } of owners)
      this.#fault(`a lock is left though its manager was closed and its process lives: ${name}`);
    // Without them, what else is wrong would not be seen.
    for (const { pid } of this.#processes) this.#world.kill(pid);
    let now = "";
    const read = await last.loadState(ID).then((state) => textsOf(state).join(), resultOf);
    try {
      const conversation = await last.open(ID);
      now = textsOf(conversation.state).join();
      await conversation.close();
    } catch (error) {
      this.#fault(`a later process cannot open the conversation: ${resultOf(error)} ${errorMessageOf(error)}`);
    }
    this.#log.push(`last: load ${read}; open ${now}`);
    const { problems } = await last.verify();
    if (problems.length > 0) this.#fault(`verify finds ${problems.map(({ kind }) => kind).join()}`);
    const absent = [...this.#acknowledged].filter((text) => !now.includes(text));
    const lost = await this.#lost(last, absent);
    if (lost.length > 0) this.#fault(`acknowledged and lost: ${lost.join()}`);
    else if (this.#isPlain && absent.length > 0 && told.length + this.#warnings.length === 0)
      this.#fault(`elsewhere than in the conversation, and nothing was said: ${absent.join()}`);
    await last.close();
  }

  #textOf(path: string): string {
    const { entries, contents } = this.#disk.image;
    return Buffer.from(contents.get(entries.get(path) ?? -1) ?? []).toString();
  }

  /** Neither in a conversation, nor in a backup, nor brought back by an undo, nor kept in trash, quarantine or fallback. */
  async #lost(manager: DraftStatePersistenceManager, texts: readonly string[]): Promise<string[]> {
    const missing = new Set(texts);
    const kept = (): string => {
      const { entries, contents } = this.#disk.image;
      const paths = [...entries].filter(
        ([path]) =>
          path.includes("/trash/") ||
          path.includes("/quarantine/") ||
          path.startsWith(`${FALLBACK}/`) ||
          path.startsWith("/store/backup/") ||
          (path.startsWith(`${STATE_DIR}/`) && path.endsWith(".json")),
      );
      return paths
        .filter(([path]) => !path.includes("/.tmp-"))
        .map(([, inode]) => Buffer.from(contents.get(inode) ?? []).toString())
        .join("\n");
    };
    const meet = (): void => {
      const found = kept();
      for (const text of [...missing]) if (found.includes(text)) missing.delete(text);
    };
    meet();
    for (let count = 0; count < MAX_UNDOS && missing.size > 0; count += 1) {
      if ((await manager.undo().then(() => "ok", resultOf)) !== "ok") break;
      meet();
    }
    return [...missing];
  }
}
