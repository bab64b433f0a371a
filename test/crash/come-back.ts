/**
 * What new processes find on a disk after a crash, and whether they agree: readers first, then a writer that recovers,
 * then readers, then a second writer that finds nothing to do and goes on. All that does not depend on what was there
 * before the crash is checked here; the rest is the ledger's.
 */
import { isDraftstateError, messageOf } from "../../src/errors.js";
import { decodeLine } from "../../src/journal/record.js";
import type { AgentState } from "../../src/model/conversation.js";
import type { JsonObject } from "../../src/model/json.js";
import type { Conversation } from "../../src/session/conversation.js";
import type { DraftStatePersistenceManager } from "../../src/manager.js";
import { START } from "../doubles/managers.js";
import type { DiskImage } from "../doubles/disk-image.js";
import type { SimulatedFileSystem } from "../doubles/simulated-file-system.js";
import { BACKUP_DIR, STATE_DIR } from "../doubles/storage-over.js";
import { canonical, type Ledger } from "./ledger.js";
import { forgetTimers, ID, startProcess } from "./world.js";

export interface Found {
  /** As the first writer had it; undefined where there is no conversation. */
  readonly state: AgentState | undefined;
  readonly revision: number;
  /** It had been removed, and an undo brought it back. */
  readonly undone: boolean;
  /** It was edited or damaged beyond what opening mends, and a repair was asked for. */
  readonly repaired: boolean;
  /** The highest revision that a file told of before the recovery. */
  readonly named: number;
  readonly backups: ReadonlyMap<string, unknown>;
  /** Contents of all files at the end. */
  readonly contents: readonly Uint8Array[];
  /** What is wrong whatever was there before. */
  readonly problems: readonly string[];
}

export interface ComeBackOptions {
  readonly pid: number;
  readonly boot: string;
  readonly withFallback: boolean;
  /** How an edited snapshot is dealt with; where it is left out there is none. */
  readonly repair?: { readonly accept: boolean } | undefined;
  /** Told of what the new processes were promised, with the number of operations by then. */
  readonly ledger?: Ledger;
}

interface Look {
  readonly state: AgentState | null;
  readonly revision: number;
  readonly rows: readonly { readonly revision: number; readonly status: string; readonly messageCount: number }[];
  readonly backups: ReadonlyMap<string, unknown>;
  readonly damaged: readonly string[];
  /** A backup and the journal stand in for it: the list says so. */
  readonly snapshotDamaged: boolean;
}

const LATER = START + 24 * 60 * 60 * 1000;

export async function comeBack(disk: SimulatedFileSystem, options: ComeBackOptions): Promise<Found> {
  const named = highestNamed(disk.image);
  const visit = new Visit(disk, options);
  // Most errors here say that a file is not there; making their traces would take much of the time.
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  try {
    await visit.run();
  } catch (error) {
    visit.problems.push(`${isDraftstateError(error) ? error.code : "unexpected"}: ${messageOf(error)}`);
  } finally {
    Error.stackTraceLimit = limit;
    forgetTimers();
  }
  const { state, revision, undone, repaired, backups, problems } = visit;
  return {
    state,
    revision,
    undone,
    repaired,
    backups,
    problems,
    named,
    contents: [...disk.image.contents]
      .filter(([inode]) => [...disk.image.entries.values()].includes(inode))
      .map(([, bytes]) => bytes),
  };
}

class Visit {
  state: AgentState | undefined;
  revision = 0;
  undone = false;
  repaired = false;
  backups: ReadonlyMap<string, unknown> = new Map();
  readonly problems: string[] = [];
  #pid: number;

  constructor(
    private readonly disk: SimulatedFileSystem,
    private readonly options: ComeBackOptions,
  ) {
    this.#pid = options.pid;
  }

  async run(): Promise<void> {
    const first = this.#begin();
    const before = await this.#lookBefore(first);
    if (before === undefined || (before.state === null && before.rows.length === 0)) return;
    const at = this.disk.operationCount;
    const conversation = await first.open(ID, { expect: "existing" });
    this.state = conversation.state;
    this.revision = conversation.revision;
    await this.#promised(conversation, at);
    await conversation.close();
    const after = await look(first);
    this.backups = after.backups;
    this.#agree(before, after);
    const { ok, problems } = await first.verify();
    if (!ok) this.problems.push(`verify says ${JSON.stringify(problems)}`);
    await this.#goOn();
    this.#leftovers();
  }

  /** What readers see; where the conversation is damaged, or in the trash, what they see once that is mended. */
  async #lookBefore(manager: DraftStatePersistenceManager): Promise<Look | undefined> {
    try {
      const before = await look(manager);
      if (before.state !== null || (await manager.operations()).length === 0) return before;
    } catch (error) {
      if (!isDraftstateError(error, "CORRUPT") || this.options.repair === undefined) throw error;
      this.repaired = true;
      await manager.repair(ID, this.options.repair);
      return look(manager);
    }
    this.undone = true;
    await manager.undo(ID);
    return look(manager);
  }

  #agree(before: Look, after: Look): void {
    const seen = canonical(this.state);
    if (canonical(before.state) !== seen)
      this.problems.push("readers before the recovery saw another state than the writer");
    if (canonical(after.state) !== seen || after.revision !== this.revision)
      this.problems.push("readers after the recovery see another state than the writer");
    const [rowBefore, row, ...others] = [before.rows[0], ...after.rows];
    if (row === undefined || others.length > 0 || row.revision !== this.revision)
      this.problems.push(`the list says ${JSON.stringify(after.rows)}`);
    const expected = before.snapshotDamaged ? "corrupt" : row?.status;
    if (rowBefore?.status !== expected || rowBefore?.messageCount !== row?.messageCount)
      this.problems.push(`the list said ${JSON.stringify(rowBefore)}, now ${JSON.stringify(row)}`);
    for (const timestamp of before.backups.keys())
      if (!after.backups.has(timestamp)) this.problems.push(`recovery took backup ${timestamp} away`);
    if (after.damaged.length > 0) this.problems.push(`damaged backups: ${after.damaged.join()}`);
  }

  /** A second writer has nothing to recover; what it then writes is there too. */
  async #goOn(): Promise<void> {
    const second = this.#begin();
    let recovered = 0;
    second.on("recovered", () => (recovered += 1));
    const conversation = await second.open(ID, { expect: "existing" });
    if (
      recovered > 0 ||
      conversation.revision !== this.revision ||
      canonical(conversation.state) !== canonical(this.state)
    )
      this.problems.push("a second recovery changed something");
    conversation.update((draft) => {
      draft.currentNarrative = `went on at ${conversation.revision}`;
    });
    await this.#promised(conversation, this.disk.operationCount);
    await conversation.close();
    if (canonical(await second.loadState(ID)) !== canonical(conversation.state))
      this.problems.push("what was written after the recovery is not there");
  }

  async #promised(conversation: Conversation, at: number): Promise<void> {
    this.options.ledger?.remember(conversation.revision, conversation.state, at);
    await conversation.flush();
    this.options.ledger?.acknowledge(conversation.revision, this.disk.operationCount);
  }

  #begin(): DraftStatePersistenceManager {
    const { boot, withFallback } = this.options;
    this.#pid += 1;
    return startProcess(this.disk, { pid: this.#pid, boot, start: LATER + this.#pid * 1000, withFallback });
  }

  #leftovers(): void {
    const { entries, contents } = this.disk.image;
    // Not of the metrics: they are no data, and nobody knows what a process that died over its first count was called.
    const isLeft = (path: string, inode: number): boolean =>
      !path.includes("/metrics/") &&
      (path.includes("/.tmp-") || path.includes("/locks/")) &&
      !isTornLock(path, contents.get(inode));
    const left = [...entries].filter(([path, inode]) => isLeft(path, inode)).map(([path]) => path);
    if (left.length > 0) this.problems.push(`left behind: ${left.join()}`);
  }
}

/** What was to become a lock and does not say whose: nobody knows that its writer is dead, and it is in nobody's way. */
function isTornLock(path: string, bytes: Uint8Array = new Uint8Array()): boolean {
  if (!path.includes("/locks/.tmp-")) return false;
  try {
    JSON.parse(Buffer.from(bytes).toString());
    return false;
  } catch {
    return true;
  }
}

async function look(manager: DraftStatePersistenceManager): Promise<Look> {
  const loaded = await manager.load(ID);
  const rows = await manager.list();
  const backups = await manager.listBackups(ID).catch((error: unknown) => {
    if (isDraftstateError(error, "NOT_FOUND")) return [];
    throw error;
  });
  const contents = new Map<string, JsonObject>();
  const damaged: string[] = [];
  for (const { timestamp } of backups) {
    const content = await manager.readBackup(ID, timestamp).catch((error: unknown) => {
      if (isDraftstateError(error, "CORRUPT")) return undefined;
      throw error;
    });
    if (content === undefined) damaged.push(timestamp);
    else contents.set(timestamp, content.version.state);
  }
  return {
    state: loaded === undefined ? null : (loaded.state as unknown as AgentState),
    revision: loaded?.metadata.revision ?? 0,
    rows,
    backups: contents,
    damaged,
    snapshotDamaged: loaded?.problems.some(({ kind }) => kind === "snapshot-damaged") ?? false,
  };
}

/** Every revision that a whole snapshot, backup or journal record tells of. */
function highestNamed(image: DiskImage): number {
  let highest = 0;
  for (const [path, inode] of image.entries) {
    // What is unfinished, in the trash or in quarantine is not the conversation's.
    if (!path.startsWith(STATE_DIR) && !path.startsWith(BACKUP_DIR)) continue;
    if (path.includes("/.")) continue;
    const bytes = Buffer.from(image.contents.get(inode) ?? []);
    if (path.endsWith(".journal"))
      highest = Math.max(
        highest,
        ...bytes
          .toString("latin1")
          .split("\n")
          .slice(0, -1)
          .map((line) => recordRevision(Buffer.from(line, "latin1"))),
      );
    if (path.endsWith(".json")) highest = Math.max(highest, snapshotRevision(bytes));
  }
  return highest;
}

function recordRevision(line: Buffer): number {
  const decoded = decodeLine(line);
  return decoded.kind === "record" ? decoded.record.revision : 0;
}

function snapshotRevision(bytes: Buffer): number {
  return Number(/"revision": (\d+)/.exec(bytes.toString("latin1"))?.[1] ?? 0);
}
