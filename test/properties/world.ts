/**
 * A conversation on a simulated disk beside a model of it: every state that was true, in order, and from which on it was
 * acknowledged. Power is cut, bytes are damaged, and what the library says then is held against the model.
 */
import { DraftstateError, isDraftstateError } from "../../src/errors.js";
import { isStreaming, type AgentState } from "../../src/model/conversation.js";
import type { Json, JsonObject } from "../../src/model/json.js";
import type { Conversation } from "../../src/session/conversation.js";
import type { FileSystem } from "../../src/storage/file-system.js";
import type { DraftStatePersistenceManager } from "../../src/manager.js";
import type { VerifiedProblem } from "../../src/operations/verify/verification.js";
import { canonical, uninterrupted } from "../damage/specimen.js";
import { begin, end, managerOver, START } from "../doubles/managers.js";
import { ProcessWorld } from "../doubles/process-world.js";
import { SimulatedFileSystem } from "../doubles/simulated-file-system.js";
import { BACKUP_DIR, STATE_DIR, storageOver } from "../doubles/storage-over.js";

export const ID = "chat";
const MOST_CRASH_STATES = 48;
const DAY = 86_400_000;
/**
 * What a power cut leaves until the next writer, and verify tells: of a batch that was never acknowledged the end is missing,
 * or a part in the middle. That nothing acknowledged is missing is what `look` makes sure of.
 */
const AFTER_POWER_CUT: ReadonlySet<VerifiedProblem["kind"]> = new Set(["journal-torn", "journal-damaged"]);

function asTruth(state: unknown): string {
  const { messages } = state as { messages?: unknown };
  return Array.isArray(messages) ? uninterrupted(state as AgentState) : canonical(state);
}

export class World {
  #disk = new SimulatedFileSystem();
  #boots = 0;
  #manager: DraftStatePersistenceManager;
  #handle: Conversation | undefined;
  #truths: string[] = [];
  /** Index of the last truth that was acknowledged; -1 before the first. */
  #acknowledged = -1;
  /** Bytes were damaged: an older truth or a named error is all that can be asked for. */
  #damaged = false;
  #lost = false;
  /** The power was cut, and no writer has come since. */
  #isCut = false;

  constructor(private readonly wrap: (disk: FileSystem) => FileSystem = (disk) => disk) {
    this.#manager = this.#boot();
  }

  #boot(): DraftStatePersistenceManager {
    this.#boots += 1;
    const storage = storageOver(
      this.wrap(this.#disk),
      new ProcessWorld(`boot-${this.#boots}`).table(1),
      `b${this.#boots}x`,
    );
    return managerOver(storage, { maxBackups: 3 }, START + this.#boots * DAY);
  }

  async #open(): Promise<Conversation | undefined> {
    if (this.#handle !== undefined || this.#lost) return this.#handle;
    try {
      this.#handle = await this.#manager.open(ID);
      this.#isCut = false;
    } catch (error) {
      await this.#refused(error);
      return undefined;
    }
    this.#observe(this.#handle.state, this.#handle.durableRevision > 0 ? "open" : "new");
    return this.#handle;
  }

  /** After damage a named error may be the answer; repair is the way on, where there is one. */
  async #refused(error: unknown): Promise<void> {
    if (!(error instanceof DraftstateError) || !this.#damaged) throw error;
    try {
      await this.#manager.repair(ID);
      // What repair went back to was said by it, and is the present from here on.
      this.#observe(await this.#manager.loadState(ID), "look");
    } catch (again) {
      if (!(again instanceof DraftstateError)) throw again;
      this.#lost = true;
    }
  }

  /** Believes what is seen once it is found to be true; a new conversation is on no disk yet. */
  #observe(state: unknown, where: "open" | "look" | "new"): void {
    const seen = asTruth(state);
    const from = this.#damaged ? 0 : Math.max(0, this.#acknowledged);
    if (this.#truths.length > 0 && this.#truths.indexOf(seen, from) === -1 && this.#truths.lastIndexOf(seen) < from) {
      throw new Error(
        `${where}: ${this.#truths.includes(seen) ? "acknowledged changes are lost" : "a state that never was"}: ${seen.slice(0, 300)}`,
      );
    }
    this.#truths.push(seen);
    if (where !== "new") this.#acknowledged = this.#truths.length - 1;
  }

  async #change(act: (conversation: Conversation) => void): Promise<void> {
    const conversation = await this.#open();
    if (conversation === undefined) return;
    act(conversation);
    this.#truths.push(asTruth(conversation.state));
  }

  set(key: string, value: Json): Promise<void> {
    return this.#change((conversation) => {
      conversation.update((draft) => {
        (draft as unknown as Record<string, Json>)[key] = value;
      });
    });
  }

  async token(text: string): Promise<void> {
    const conversation = await this.#open();
    // Refused, and repaired for the next step.
    if (conversation === undefined) return;
    if (!isStreaming(conversation.state)) await this.turn("begin");
    return this.#change((conversation) => {
      conversation.appendToken(text);
    });
  }

  turn(part: "begin" | "end"): Promise<void> {
    return this.#change((conversation) => {
      if (part === "begin") begin(conversation, "And?");
      else if (isStreaming(conversation.state)) end(conversation);
    });
  }

  replace(state: JsonObject): Promise<void> {
    return this.#change((conversation) => {
      conversation.replaceState({ messages: [], ...state });
    });
  }

  async flush(): Promise<void> {
    const conversation = await this.#open();
    if (conversation === undefined) return;
    await conversation.flush();
    this.#acknowledged = this.#truths.length - 1;
  }

  async compact(): Promise<void> {
    await (await this.#open())?.compact();
    await this.flush();
  }

  async endTurn(): Promise<void> {
    await (await this.#open())?.endTurn();
    await this.flush();
  }

  async backup(): Promise<void> {
    await (await this.#open())?.backup();
    await this.flush();
  }

  async prune(max: number): Promise<void> {
    await this.#manager.prune({ id: ID, max }).catch((error: unknown) => this.#refused(error));
  }

  async restore(index: number): Promise<void> {
    if ((await this.#open()) === undefined) return;
    const backups = await this.#manager.listBackups(ID).catch(() => []);
    const backup = backups[index % Math.max(1, backups.length)];
    if (backup === undefined) return;
    const content = await this.#manager.readBackup(ID, backup.timestamp).catch((error: unknown) => {
      if (isDraftstateError(error, "CORRUPT")) return undefined;
      throw error;
    });
    if (content === undefined) {
      if (!this.#damaged) throw new Error(`${backup.path} is damaged: ${backup.problem ?? ""}`);
      return;
    }
    const truth = asTruth(content.version.state);
    if (!this.#truths.includes(truth)) throw new Error(`a backup holds a state that never was: ${truth.slice(0, 300)}`);
    await this.#manager.restore(ID, backup.timestamp);
    if (asTruth(this.#handle?.state) !== truth) throw new Error("restored something else than the backup");
    this.#truths.push(truth);
    this.#acknowledged = this.#truths.length - 1;
  }

  async close(): Promise<void> {
    if (this.#handle === undefined) return;
    await this.#handle.close();
    this.#handle = undefined;
    this.#acknowledged = this.#truths.length - 1;
  }

  /** Power is cut, perhaps while something is being written; the disk is one of those it could be then. */
  async crash(
    choice: number,
    unfinished: "nothing" | "flush" | "compact" | "backup" | "close",
    after: number,
  ): Promise<void> {
    const handle = this.#handle;
    if (handle !== undefined && unfinished !== "nothing") {
      handle[unfinished]().catch(() => undefined);
      for (let turn = 0; turn < after; turn += 1) await Promise.resolve();
    }
    const states: SimulatedFileSystem[] = [];
    for (const { fileSystem } of this.#disk.crashStates()) {
      states.push(fileSystem);
      if (states.length === MOST_CRASH_STATES) break;
    }
    this.#disk = states[choice % states.length] as SimulatedFileSystem;
    this.#handle = undefined;
    this.#isCut = true;
    this.#manager = this.#boot();
    await this.look();
  }

  /** A bit of a file at rest flips. */
  async corrupt(area: "state" | "backup", file: number, at: number, bit: number): Promise<void> {
    await this.close();
    const directory = area === "state" ? STATE_DIR : BACKUP_DIR;
    const names = (await this.#disk.list(directory).catch(() => [])).filter((name) => name.startsWith(ID)).sort();
    const name = names[file % Math.max(1, names.length)];
    if (name === undefined) return;
    await this.#flip(`${directory}/${name}`, at, bit);
    this.#damaged = true;
    await this.look();
  }

  async #flip(path: string, at: number, bit: number): Promise<void> {
    const file = await this.#disk.openForReading(path);
    const bytes = await file.read(0, (await file.info()).size);
    await file.close();
    if (bytes.length === 0) return;
    const index = at % bytes.length;
    bytes[index] = (bytes[index] ?? 0) ^ (1 << bit);
    await this.#disk.unlink(path);
    const damaged = await this.#disk.createFile(path);
    await damaged.write(bytes);
    await damaged.sync();
    await damaged.close();
    await this.#disk.syncDirectory(path.slice(0, path.lastIndexOf("/")));
  }

  /** As a reader sees it. Where verify finds nothing, it is the present; where it does, a truth or a named error. */
  async look(): Promise<void> {
    if (this.#lost) return;
    try {
      const state = await this.#manager.loadState(ID);
      if (state === null) {
        if (this.#acknowledged >= 0 && !this.#damaged) throw new Error("the conversation is gone");
        return;
      }
      const { ok } = await this.#manager.verify(ID);
      const isPresent = asTruth(state) === this.#truths[this.#acknowledged];
      if (
        ok &&
        this.#damaged &&
        this.#handle === undefined &&
        !isPresent &&
        this.#truths.indexOf(asTruth(state), this.#acknowledged) === -1
      )
        throw new Error("damage went unnoticed");
      if (this.#handle === undefined) this.#observe(state, "look");
      else if (!this.#truths.includes(asTruth(state))) throw new Error("a reader saw a state that never was");
    } catch (error) {
      if (!(error instanceof DraftstateError) || !this.#damaged) throw error;
    }
  }

  async finish(): Promise<void> {
    await this.close();
    await this.look();
    if (this.#damaged) return;
    await this.#mustBeClean(({ kind }) => !(this.#isCut && AFTER_POWER_CUT.has(kind)));
    await this.#open();
    await this.close();
    await this.#mustBeClean(() => true);
  }

  async #mustBeClean(counts: (problem: VerifiedProblem) => boolean): Promise<void> {
    const problems = (await this.#manager.verify()).problems.filter(counts);
    if (problems.length > 0) throw new Error(`verify: ${JSON.stringify(problems)}`);
  }
}
