/**
 * Where a workload is played: one disk, one process at a time, and a ledger of what that process knew and was told.
 * Played without faults every deed must succeed; with faults, one that fails must say so, and the next goes on.
 */
import { isDraftstateError } from "../../src/errors.js";
import type { Conversation } from "../../src/session/conversation.js";
import type { DraftStatePersistenceManager } from "../../src/manager.js";
import type { AgentState } from "../../src/model/conversation.js";
import type { FileSystem } from "../../src/storage/file-system.js";
import type { DiskImage, DiskOperation } from "../doubles/disk-image.js";
import { contentOf, copyImage } from "../doubles/disk-image.js";
import { FaultyFileSystem } from "../doubles/faulty-file-system.js";
import { START } from "../doubles/managers.js";
import { SimulatedFileSystem } from "../doubles/simulated-file-system.js";
import { BACKUP_DIR, STATE_DIR } from "../doubles/storage-over.js";
import { beforeInterruption, Ledger } from "./ledger.js";
import type { Deed, Workload } from "./workloads.js";
import { ID, startProcess } from "./world.js";

/** What was done to a disk, and what was known and told meanwhile. */
export interface Life {
  readonly base: DiskImage;
  readonly operations: readonly DiskOperation[];
  /** Operations done before it began. */
  readonly from: number;
  readonly ledger: Ledger;
}

type PruneOptions = Parameters<DraftStatePersistenceManager["prune"]>[0];

const KEPT_FOR_LATER = [`${STATE_DIR}/.draftstate/quarantine/`, `${STATE_DIR}/.draftstate/trash/`];

export class Stage {
  readonly #stateDirectory: FaultyFileSystem;
  #manager: DraftStatePersistenceManager | undefined;
  #conversation: Conversation | undefined;
  #removed = false;

  constructor(
    private readonly disk: SimulatedFileSystem,
    readonly ledger: Ledger,
    private readonly workload: Workload,
    private pid: number,
    private readonly through: FileSystem = disk,
  ) {
    this.#stateDirectory = new FaultyFileSystem(through);
  }

  async play(deeds: readonly Deed[]): Promise<void> {
    for (const deed of deeds) await this.do(deed);
  }

  async do(deed: Deed): Promise<void> {
    await deed(this);
    this.#acknowledge();
  }

  async write(act: (conversation: Conversation) => unknown): Promise<void> {
    await act(await this.#open());
  }

  change(conversation: Conversation, act: (conversation: Conversation) => void): void {
    act(conversation);
    this.ledger.remember(conversation.revision, conversation.state, this.disk.operationCount);
  }

  /** By the manager, which may change the state. */
  async manage(act: (manager: DraftStatePersistenceManager) => Promise<unknown>): Promise<void> {
    const at = this.disk.operationCount;
    await act(this.#process());
    await this.#rememberLoaded(at);
    this.#leftForLater();
  }

  /**
   * On the open conversation; what it becomes is remembered also where that is refused. Only on a disk that refuses every
   * call from then on, the clean-up included, may what was refused stand all the same.
   */
  async restore(wanted: string): Promise<void> {
    const conversation = await this.#open();
    const at = this.disk.operationCount;
    const [revision, state] = [conversation.revision, await this.#lookAtBackup(wanted)];
    try {
      await this.#process().restore(ID, wanted);
    } catch (error) {
      if (this.through instanceof FaultyFileSystem && this.through.failsForGood)
        this.ledger.remember(revision + 1, state, at);
      throw error;
    } finally {
      this.ledger.remember(conversation.revision, conversation.state, at);
    }
    this.#leftForLater();
  }

  /** Past all faults. */
  async #lookAtBackup(wanted: string): Promise<unknown> {
    const reader = startProcess(this.disk, {
      pid: 999,
      start: START,
      options: this.workload.options ?? {},
      through: this.disk,
      withFallback: false,
    });
    return (await reader.readBackup(ID, wanted)).version.state;
  }

  async prune(options: PruneOptions = {}): Promise<void> {
    if (options.purge === true) this.ledger.mayPurge(this.disk.operationCount);
    else this.#mustKeepBackups();
    const { removed } = await this.#process()
      .prune(options)
      .catch((error: unknown) => {
        this.#forgetMoved();
        throw error;
      });
    if (options.purge !== true) for (const path of removed) this.ledger.removedAt(path, this.disk.operationCount);
    this.#leftForLater();
  }

  /** On a disk that refuses every call nobody can say whether the last file had moved before it was refused: it is in the trash then. */
  #forgetMoved(): void {
    const at = this.disk.operationCount;
    const { entries } = this.disk.image;
    for (const { timestamp } of this.ledger.standing(at)) {
      if (![...entries.keys()].some((path) => path.startsWith(BACKUP_DIR) && path.includes(timestamp)))
        this.ledger.backupGoes(timestamp, this.#removalOfBackup(timestamp));
    }
  }

  #removalOfBackup(timestamp: string): number {
    return this.disk.operations.findLastIndex(
      (operation) =>
        operation.kind === "unlink" && operation.path.startsWith(BACKUP_DIR) && operation.path.includes(timestamp),
    );
  }

  async repair(options: { readonly accept?: boolean }): Promise<void> {
    await this.close();
    const at = this.disk.operationCount;
    await this.#process().repair(ID, options);
    await this.#rememberLoaded(at);
    this.ledger.mended(this.disk.operationCount);
    this.#leftForLater();
  }

  async remove(): Promise<void> {
    await this.close();
    const before = this.disk.operationCount;
    for (const { timestamp } of this.ledger.standing(before)) this.ledger.backupGoes(timestamp, before);
    this.#mustKeepBackups();
    this.#removed = true;
    const { removed } = await this.#process().remove(ID);
    for (const path of removed) this.ledger.removedAt(path, this.disk.operationCount);
    this.ledger.gone(this.disk.operationCount);
    this.#leftForLater();
  }

  async undo(): Promise<void> {
    this.ledger.comesBack(this.disk.operationCount);
    this.ledger.filesGo(this.disk.operationCount);
    const at = this.disk.operationCount;
    await this.#process().undo(ID);
    this.#removed = false;
    await this.#rememberLoaded(at);
    for (const { timestamp, revision } of await this.#process().listBackups(ID))
      this.ledger.backedUp(timestamp, revision, this.disk.operationCount);
    // The log, from which it can be done again.
    this.#leftForLater();
  }

  /** What anyone would do after a failure: mend or bring back what has to be, write, close. */
  async goOn(): Promise<void> {
    if (this.workload.repair !== undefined && (await this.#isEdited())) await this.repair(this.workload.repair);
    await this.do((stage) =>
      stage.write(async (conversation) => {
        stage.change(conversation, () => {
          conversation.update((draft) => {
            draft.currentNarrative = "went on";
          });
        });
        await conversation.flush();
      }),
    );
    await this.close();
  }

  async #isEdited(): Promise<boolean> {
    return this.#process()
      .load(ID)
      .then(
        () => false,
        (error: unknown) => isDraftstateError(error, "CORRUPT"),
      );
  }

  /** This process ends well. */
  async close(): Promise<void> {
    const [conversation, manager] = [this.#conversation, this.#manager];
    this.#conversation = undefined;
    this.#manager = undefined;
    try {
      await conversation?.close();
    } finally {
      await manager?.close();
    }
  }

  async fillStateDirectory(): Promise<void> {
    this.#stateDirectory.setFault({ code: "ENOSPC", at: 1, lasting: "from-then-on", only: ["write", "createFile"] });
  }

  async emptyStateDirectory(): Promise<void> {
    this.#stateDirectory.clearFault();
  }

  async #rememberLoaded(at: number): Promise<void> {
    const loaded = await this.#process().load(ID);
    if (loaded === undefined) return;
    const { state, metadata } = loaded;
    this.ledger.remember(metadata.revision, state, at);
    this.ledger.remember(metadata.revision, beforeInterruption(state as unknown as AgentState), at);
  }

  async #open(): Promise<Conversation> {
    if (this.#conversation !== undefined) return this.#conversation;
    // Nobody goes on under the id of a conversation that he meant to bring back.
    if (this.#removed && (await this.#process().load(ID)) === undefined) await this.undo();
    const at = this.disk.operationCount;
    const conversation = await this.#process().open(ID);
    this.ledger.remember(conversation.revision, conversation.state, at);
    this.#conversation = conversation;
    return conversation;
  }

  #acknowledge(): void {
    if (this.#conversation !== undefined)
      this.ledger.acknowledge(this.#conversation.durableRevision, this.disk.operationCount);
  }

  /** Wherever it is put, nothing that can be undone is lost on the way. */
  #mustKeepBackups(): void {
    for (const [path, inode] of this.disk.image.entries) {
      if (path.startsWith(`${BACKUP_DIR}/`))
        this.ledger.mustKeep(contentOf(this.disk.image, inode), this.disk.operationCount);
    }
  }

  /** What waits in quarantine and trash when an operation has resolved is there to stay. */
  #leftForLater(): void {
    const pending = [...this.disk.image.entries.keys()].some((path) => path.includes("/pending_"));
    for (const [path, inode] of this.disk.image.entries) {
      // What is not committed yet is settled by the next writer.
      if (path.includes("/pending_") || (pending && path.includes("_operation_"))) continue;
      if (KEPT_FOR_LATER.some((directory) => path.startsWith(directory)) && !path.includes("/.tmp-"))
        this.ledger.fileStands(path, contentOf(this.disk.image, inode), this.disk.operationCount);
    }
  }

  #process(): DraftStatePersistenceManager {
    this.#manager ??= this.#begin();
    return this.#manager;
  }

  #begin(): DraftStatePersistenceManager {
    const { options = {}, withFallback = false } = this.workload;
    const through = withFallback ? this.#stateDirectory : this.through;
    const manager = startProcess(this.through, {
      pid: this.pid,
      start: START + this.pid * 60_000,
      options,
      through,
      withFallback,
    });
    this.pid += 1;
    manager.on("stateSaved", ({ revision }) => {
      this.ledger.acknowledge(revision, this.disk.operationCount);
    });
    manager.on("backupCreated", ({ timestamp, revision }) => {
      this.ledger.backedUp(timestamp, revision, this.disk.operationCount);
    });
    manager.on("backupRemoved", ({ timestamp, path }) => {
      this.ledger.backupGoes(timestamp, this.#removalOf(path));
    });
    return manager;
  }

  #removalOf(path: string): number {
    return this.disk.operations.findLastIndex((operation) => operation.kind === "unlink" && operation.path === path);
  }
}

/** What is there when a workload begins; `pending`: what was done before and is not durable. */
interface Setting {
  readonly base: DiskImage;
  readonly pending: readonly DiskOperation[];
  readonly ledger: Ledger;
}

const SETTINGS = new Map<Workload, Promise<Setting>>();

export function setting(workload: Workload): Promise<Setting> {
  const known = SETTINGS.get(workload) ?? settingOf(workload);
  SETTINGS.set(workload, known);
  return known;
}

async function settingOf(workload: Workload): Promise<Setting> {
  const disk = new SimulatedFileSystem();
  const stage = new Stage(disk, new Ledger(), workload, 1);
  await stage.play(workload.before ?? []);
  const { killedAfter } = workload;
  if (killedAfter !== undefined) {
    const after = disk.operations.findIndex(killedAfter) + 1;
    return { base: disk.base, pending: disk.operations.slice(0, after), ledger: stage.ledger.upTo(after, after) };
  }
  const base = copyImage(disk.image);
  const ledger = stage.ledger.copy({ rebased: true });
  const kept = workload.between?.(base);
  if (kept !== undefined) ledger.mustKeep(kept, 0);
  await rememberFound(base, ledger, workload);
  return { base, pending: [], ledger };
}

/** What a reader finds is acknowledged: it is there, durable. What only a repair will make of it is not yet. */
async function rememberFound(
  base: DiskImage,
  ledger: Ledger,
  { withFallback = false, repair }: Workload,
): Promise<void> {
  const manager = startProcess(new SimulatedFileSystem(base), { pid: 5, withFallback });
  if (repair !== undefined) await manager.repair(ID, repair);
  const found = await manager.load(ID);
  if (found === undefined) return;
  ledger.remember(found.metadata.revision, beforeInterruption(found.state as unknown as AgentState), 0);
  if (repair === undefined) ledger.acknowledge(found.metadata.revision, 0);
}

/** The workload from its beginning to its end, without a fault. */
export async function live(workload: Workload): Promise<Life> {
  const { base, pending, ledger } = await setting(workload);
  const disk = new SimulatedFileSystem(base, pending);
  const stage = new Stage(disk, ledger.copy(), workload, 10);
  await stage.play(workload.deeds);
  return { base, operations: disk.operations, from: pending.length, ledger: stage.ledger };
}
