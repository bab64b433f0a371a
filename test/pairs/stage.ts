/**
 * Where two operations meet: a disk with a conversation of some turns, one or two managers on it, perhaps a handle, and a
 * scheduler in front of every storage call or every call to the file system. Each run begins from the same disk.
 */
import type { JsonObject } from "../../src/model/json.js";
import type { DraftStatePersistenceManager } from "../../src/manager.js";
import type { Conversation } from "../../src/session/conversation.js";
import type { FileSystem } from "../../src/storage/file-system.js";
import type { Storage } from "../../src/storage/storage.js";
import { interposedFileSystem, interposedStorage } from "../doubles/interposed.js";
import { begin as beginTurn, START } from "../doubles/managers.js";
import { ProcessWorld } from "../doubles/process-world.js";
import { Scheduler, settle, type Run, type Strategy, type Thread } from "../doubles/scheduler.js";
import { SimulatedFileSystem } from "../doubles/simulated-file-system.js";
import { BACKUP_DIR, storageOver } from "../doubles/storage-over.js";
import type { DiskImage } from "../doubles/disk-image.js";
import { inspect, type Inspection } from "./inspection.js";
import { ID, PENDING, say, type Actor, type PairOperation } from "./operations.js";
import { clock, managerOn, Rejections, resultOf, time } from "./world.js";

/** `waiting managers`: two, which wait for the lock a while (`lockTimeout`). */
export type Setting = "one manager" | "two managers" | "waiting managers" | "two processes";

/**
 * `absent`: there is no conversation. `closed`: on disk alone. `handle`: the first manager has it open, with a message that is not saved yet. `idle`: the
 * first manager has saved it and keeps it for a while. `answering`: an answer streams into the handle.
 */
export const STARTS = ["absent", "closed", "handle", "idle", "answering"] as const;
export type Start = (typeof STARTS)[number];

export const LEVELS = ["storage", "files"] as const;
/** What a scheduling point is: a call of the storage contract, or of the file system below it. */
export type Level = (typeof LEVELS)[number];

export interface PairCase {
  readonly setting: Setting;
  readonly start: Start;
  readonly first: PairOperation;
  readonly second: PairOperation;
}

export function nameOf({ setting, start, first, second }: PairCase): string {
  return `${setting}/${start}/${first.name}/${second.name}`;
}

const LOCK_TIMEOUT = 1000;
const LATER = START + 3_600_000;

export interface Outcome extends Inspection {
  /** Of each side: `ok …` with what it returned, or the code it rejected with. */
  readonly results: Readonly<Record<string, string>>;
  /** Of closing the managers afterwards. */
  readonly closing: readonly string[];
}

export interface Played extends Run {
  readonly outcome: Outcome;
  /** What is wrong whatever the order was. */
  readonly broken: readonly string[];
}

export interface Base {
  readonly image: DiskImage;
  /** As it is on disk. */
  readonly state: JsonObject;
  readonly oldest: string;
  /** Texts that were acknowledged, whether or not they are in the present state. */
  readonly acknowledged: readonly string[];
}

/**
 * Four turns, the third of which was taken back by a restore, and a rename that was undone: there are backups, there is something
 * to undo, and something to redo.
 */
async function makeBase(): Promise<Base> {
  const disk = new SimulatedFileSystem();
  const manager = managerOn({
    name: "base",
    storage: storageOver(disk, new ProcessWorld().table(1), "base"),
    now: clock(START),
  });
  const conversation = await manager.open(ID);
  for (const text of ["one", "two", "three"]) {
    say(conversation, text);
    await conversation.endTurn();
  }
  const [, second] = await manager.listBackups(ID);
  await manager.restore(ID, second?.timestamp ?? "");
  say(conversation, "four");
  await conversation.endTurn();
  await manager.rename(ID, "another title");
  await manager.undo(ID);
  const state = conversation.state as unknown as JsonObject;
  await manager.close();
  const [oldest = ""] = backupNames(disk.image).sort();
  return { image: disk.settled().image, state, oldest, acknowledged: ["one", "two", "three", "four"] };
}

function backupNames(image: DiskImage): string[] {
  return [...image.entries.keys()]
    .filter((path) => path.startsWith(`${BACKUP_DIR}/${ID}_`))
    .map((path) => path.slice(`${BACKUP_DIR}/${ID}_`.length).replace(/\.json$/, ""));
}

let base: Promise<Base> | undefined;

export function theBase(): Promise<Base> {
  base ??= makeBase();
  return base;
}

interface Party {
  readonly manager: DraftStatePersistenceManager;
  isClosed: boolean;
}

class Stage {
  readonly disk: SimulatedFileSystem;
  readonly scheduler = new Scheduler(time);
  readonly broken = new Set<string>();
  readonly acknowledged: Set<string>;
  readonly parties: Party[] = [];
  readonly #processes = new ProcessWorld();
  readonly #now = clock(LATER);
  readonly #lockTimeout: number;

  constructor(
    private readonly base: Base,
    private readonly level: Level,
    { setting, start }: PairCase,
  ) {
    this.disk = start === "absent" ? new SimulatedFileSystem() : new SimulatedFileSystem(base.image);
    this.acknowledged = new Set(start === "absent" ? [] : base.acknowledged);
    this.#lockTimeout = setting === "waiting managers" ? LOCK_TIMEOUT : 0;
    this.#managers(setting);
  }

  /** One for one manager; of two, on one storage or, as two processes, each on its own. */
  #managers(setting: Setting): void {
    const first = this.#storage(1, "a");
    this.#manager("first", first);
    if (setting !== "one manager") this.#manager("second", setting === "two processes" ? this.#storage(2, "b") : first);
  }

  party(index: number): Party {
    const party = this.parties[index] ?? this.parties[0];
    if (party === undefined) throw new Error("there is no manager");
    return party;
  }

  #storage(pid: number, prefix: string): Storage {
    const fs: FileSystem =
      this.level === "files"
        ? interposedFileSystem(this.disk, (_method, call) => this.scheduler.point(call))
        : this.disk;
    return storageOver(fs, this.#processes.table(pid), prefix);
  }

  #manager(name: string, storage: Storage): void {
    const before = (_method: string, call: string): Promise<void> | undefined => {
      if (party.isClosed)
        this.broken.add(`the ${name} manager works on the store after its close() has resolved: ${call}`);
      return this.level === "storage" ? this.scheduler.point(call) : undefined;
    };
    const party: Party = {
      manager: managerOn(
        { name, storage: interposedStorage(storage, before), now: this.#now },
        { lockTimeout: this.#lockTimeout },
      ),
      isClosed: false,
    };
    this.parties.push(party);
  }

  /** The managers end; what is left then is looked at by another process. */
  async finish(): Promise<{ inspection: Inspection; closing: string[] }> {
    const closing: string[] = [];
    for (const party of this.parties) {
      let result: string | undefined;
      party.manager.close().then(
        () => (result = "ok"),
        (error: unknown) => (result = resultOf(error)),
      );
      await this.scheduler.runFreely();
      party.isClosed = true;
      closing.push(result ?? "hangs");
    }
    await this.scheduler.runFreely();
    return { closing, inspection: await inspect(this.disk, this.acknowledged) };
  }

  actor(side: string, party: Party, handle: Conversation | undefined): Actor {
    const { state, oldest } = this.base;
    return {
      side,
      handle,
      oldest,
      manager: party.manager,
      base: state,
      acknowledge: (text) => {
        // Saved by a start that has it alone.
        if (text !== PENDING || handle !== undefined) this.acknowledged.add(text);
      },
      closed: () => {
        party.isClosed = true;
      },
    };
  }
}

async function begin(stage: Stage, start: Start, state: JsonObject): Promise<Conversation | undefined> {
  const { manager } = stage.party(0);
  if (start === "closed" || start === "absent") return undefined;
  if (start === "idle") {
    await manager.saveState(ID, state);
    return undefined;
  }
  const handle = await manager.open(ID);
  say(handle, PENDING);
  if (start === "answering") {
    beginTurn(handle, "And then?");
    handle.beginAnswer();
    handle.appendToken("Then ");
  }
  return handle;
}

/** `idle`: what waits for a timer ends; `saved`: what the handle has not saved yet is saved. */
export type Moment = "nothing" | "idle" | "saved";

export interface Play {
  /** Groups of sides: those of one group at the same time, one group after the other. */
  readonly groups: readonly (readonly ("A" | "B")[])[];
  /** What happens by itself before each group: it may at any time. */
  readonly moments?: readonly Moment[];
  readonly strategy: Strategy;
  readonly level: Level;
}

/** One run, from the beginning to the look at what is left. */
export async function play(pair: PairCase, { groups, moments = [], strategy, level }: Play): Promise<Played> {
  const start = await theBase();
  time.reset();
  const rejections = new Rejections();
  rejections.begin();
  try {
    const stage = new Stage(start, level, pair);
    const handle = await begin(stage, pair.start, start.state);
    const results: Record<string, string> = {};
    const runs: Run[] = [];
    for (const [index, group] of groups.entries()) {
      if (moments[index] === "idle") await stage.scheduler.runFreely();
      if (moments[index] === "saved") await handle?.flush().catch(() => undefined);
      runs.push(
        await stage.scheduler.run(
          group.map((side) => threadOf(side, pair, stage, handle, results)),
          strategy,
        ),
      );
    }
    const hanging = runs.flatMap((run) => run.hanging);
    const { closing, inspection } = await stage.finish();
    await settle();
    const broken = [...stage.broken, ...rejections.found, ...hanging.map((side) => `${side} never ends`)];
    return {
      decisions: runs.flatMap(({ decisions }) => decisions),
      calls: runs.flatMap(({ calls }) => calls),
      hanging,
      broken,
      outcome: { results, closing, ...inspection },
    };
  } finally {
    rejections.end();
  }
}

function threadOf(
  side: "A" | "B",
  { setting, first, second }: PairCase,
  stage: Stage,
  handle: Conversation | undefined,
  results: Record<string, string>,
): Thread {
  const party = stage.party(side === "A" || setting === "one manager" ? 0 : 1);
  const actor = stage.actor(side, party, side === "A" || setting === "one manager" ? handle : undefined);
  const operation = side === "A" ? first : second;
  return {
    name: side,
    act: async () => {
      try {
        results[side] = `ok ${await operation.act(actor)}`;
      } catch (error) {
        results[side] = resultOf(error);
      }
    },
  };
}
