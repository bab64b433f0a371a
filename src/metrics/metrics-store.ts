/**
 * Metrics that outlive the process. Each process has a file of its own in the `metrics` area, which it alone replaces,
 * so that no two ever write the same and nothing is lost between them; the store's counts are their sum. The lock named
 * like the file says that its process lives. Files of processes that ended are folded into one, once many have gathered.
 */
import { DraftstateError } from "../errors.js";
import { addMetrics, EMPTY, type MetricData } from "../monitoring/figures.js";
import type { Lock, Storage } from "../storage/storage.js";
import { foldEnded } from "./fold.js";
import {
  encodeProcess,
  processKey,
  processNames,
  readProcess,
  readTotal,
  type ProcessFile,
  type ProcessGauges,
} from "./metric-files.js";
import { StorageGate } from "./storage-gate.js";

export interface LiveProcess extends ProcessGauges {
  /** Its lock's holder, for people. */
  readonly holder: string;
}

export interface KeptMetrics {
  readonly data: MetricData;
  readonly live: readonly LiveProcess[];
}

const IDLE: ProcessGauges = { queueDepth: 0, unsavedSince: null };
const FOLD_ABOVE = 16;
/** Names that are tried before giving up: each is new, so a second one is rarely needed. */
const MAX_NAMES = 100;

export class MetricsStore {
  #name: string | undefined;
  #lock: Lock | undefined;
  #handedOver = false;
  readonly #gate: StorageGate;

  constructor(
    private readonly storage: Storage,
    private readonly now: () => Date,
    private readonly random: () => number,
  ) {
    this.#gate = new StorageGate(storage);
  }

  /** Whether there is a file of this process, or was about to be one. */
  get hasFile(): boolean {
    return this.#name !== undefined;
  }

  /** Whether the last counts of this process are on disk for good: `read` then counts them too. */
  get handedOver(): boolean {
    return this.#handedOver;
  }

  /** Of all processes but this one. What cannot be read counts nothing; nothing is changed. */
  async read(): Promise<KeptMetrics> {
    const { storage } = this;
    const own = this.#handedOver ? undefined : this.#name;
    const files = new Map<string, ProcessFile>();
    for (const name of await processNames(storage)) {
      const file = name === own ? undefined : await readProcess(storage, name);
      if (file !== undefined) files.set(name, file);
    }
    // After the files: what is folded in meanwhile is then named by the total.
    const found = await readTotal(storage);
    const total = typeof found === "string" ? { data: EMPTY, folded: [] } : found;
    const counted = [...files].filter(([name]) => !total.folded.includes(name));
    const live: LiveProcess[] = [];
    for (const [name, file] of counted) {
      const holder = file.closed ? undefined : await storage.lockHolder(name);
      if (holder !== undefined)
        live.push({ queueDepth: file.queueDepth, unsavedSince: file.unsavedSince, holder: holder.holder });
    }
    return { data: counted.reduce((sum, [, file]) => addMetrics(sum, file.data), total.data), live };
  }

  /** Keeps what this process has counted so far. */
  async write(data: MetricData, gauges: ProcessGauges): Promise<void> {
    if (this.#lock === undefined) await this.#takeName();
    await this.#replaceOwn({ data, ...gauges, closed: false });
  }

  /** Keeps figures that this process counts no more in a closed file of their own, beside the one it continues to replace. */
  async putAside(conversations: MetricData["conversations"]): Promise<void> {
    await this.#createClosed({ ...EMPTY, conversations });
    await this.#foldIfMany();
  }

  /** The last counts of this process. Its lock is released whether or not they could be written. */
  async close(data: MetricData): Promise<void> {
    try {
      if (this.#name === undefined) this.#name = await this.#createClosed(data);
      else await this.#replaceOwn({ data, ...IDLE, closed: true });
      this.#handedOver = true;
    } finally {
      await this.releaseLock();
    }
    await this.#foldIfMany();
  }

  /** From now on no call to the storage begins; what was still to be done rejects. */
  stop(): void {
    this.#gate.shut();
  }

  async releaseLock(): Promise<void> {
    const lock = this.#lock;
    this.#lock = undefined;
    await lock?.release();
  }

  #candidate(attempt: number): string {
    return `_process-${this.now().getTime().toString(36)}${Math.floor(this.random() * 36 ** 6).toString(36)}${attempt === 0 ? "" : `x${attempt}`}`;
  }

  async #takeName(): Promise<void> {
    for (let attempt = 0; attempt < MAX_NAMES; attempt += 1) {
      const name = this.#candidate(attempt);
      const taken = await this.#gate.storage.tryLock(name, this.now());
      if (!taken.acquired) continue;
      this.#name = name;
      this.#lock = taken.lock;
      return;
    }
    throw noName();
  }

  async #createClosed(data: MetricData): Promise<string> {
    const bytes = encodeProcess({ data, ...IDLE, closed: true });
    for (let attempt = 0; attempt < MAX_NAMES; attempt += 1) {
      const name = this.#candidate(attempt);
      if (await this.#gate.storage.create(processKey(name), bytes)) return name;
    }
    throw noName();
  }

  async #replaceOwn(file: ProcessFile): Promise<void> {
    if (this.#name !== undefined) await this.#gate.storage.replace(processKey(this.#name), encodeProcess(file));
  }

  async #foldIfMany(): Promise<void> {
    const { storage } = this.#gate;
    const names = await processNames(storage);
    if (names.length > FOLD_ABOVE) await foldEnded({ storage, now: this.now, random: this.random }, names);
  }
}

function noName(): DraftstateError {
  return new DraftstateError("STORAGE", `no free name for a metrics file was found in ${MAX_NAMES} tries`);
}
