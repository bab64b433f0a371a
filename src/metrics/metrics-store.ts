/**
 * Metrics that outlive the process. Each process has a file of its own in the `metrics` area, which it alone replaces,
 * so that no two ever write the same and nothing is lost between them; what the store has counted is their sum. Files
 * of processes that closed or died are folded into `total.json` now and then, under a lock: the total names what it
 * holds, so a crash between its replacement and the removal of a file counts nothing twice.
 */
import { isDraftstateError } from "../errors.js";
import { addMetrics, EMPTY, parseMetrics, withConversations, withNewestDays, type MetricData } from "../monitoring/figures.js";
import type { Key, Lock, Storage } from "../storage/storage.js";
import { knownIds } from "../store/names.js";

/** Names that no conversation can have, since locks are named like conversations. */
const FOLD_LOCK = "_metrics";
const PROCESS = /^(_process-[a-z0-9]+)\.json$/;
const TOTAL: Key = { area: "metrics", name: "total.json" };
const VERSION = 1;
const MAX_BYTES = 64 * 1024 * 1024;
const FOLD_ABOVE = 16;
const DAYS_KEPT = 60;
/** Folded names that are remembered after their files are gone, for readers that saw them before. */
const NAMES_KEPT = 500;

/** What a live process says of itself besides its counts. */
export interface ProcessGauges {
  readonly queueDepth: number;
  /** ISO 8601; null while everything is saved. */
  readonly unsavedSince: string | null;
}

export interface LiveProcess extends ProcessGauges {
  /** Its lock's holder, for people. */
  readonly holder: string;
}

export interface KeptMetrics {
  readonly data: MetricData;
  readonly live: readonly LiveProcess[];
}

interface ProcessFile extends ProcessGauges {
  readonly data: MetricData;
  readonly closed: boolean;
}

interface TotalFile {
  readonly data: MetricData;
  readonly folded: readonly string[];
}

type Fields = Readonly<Record<string, unknown>>;

function encode(fields: object, data: MetricData): Uint8Array {
  return Buffer.from(`${JSON.stringify({ version: VERSION, ...fields, ...data })}\n`);
}

export class MetricsStore {
  #name: string | undefined;
  #lock: Lock | undefined;

  constructor(
    private readonly storage: Storage,
    private readonly now: () => Date,
    private readonly random: () => number,
  ) {}

  get hasFile(): boolean {
    return this.#name !== undefined;
  }

  /** Of all processes but this one. What cannot be read counts nothing; nothing is changed. */
  async read(): Promise<KeptMetrics> {
    const files = new Map<string, ProcessFile>();
    for (const name of await this.#processNames()) {
      const file = name === this.#name ? undefined : await this.#readProcess(name);
      if (file !== undefined) files.set(name, file);
    }
    // After the files: what is folded in meanwhile is then named by the total.
    const total = await this.#readTotal();
    const counted = [...files].filter(([name]) => !total.folded.includes(name));
    const live: LiveProcess[] = [];
    for (const [name, file] of counted) {
      const holder = file.closed ? undefined : await this.storage.lockHolder(name);
      if (holder !== undefined) live.push({ queueDepth: file.queueDepth, unsavedSince: file.unsavedSince, holder: holder.holder });
    }
    return { data: counted.reduce((sum, [, file]) => addMetrics(sum, file.data), total.data), live };
  }

  /** Keeps what this process has counted so far. Its lock says that it lives, so that nobody folds its file meanwhile. */
  async write(data: MetricData, gauges: ProcessGauges): Promise<void> {
    this.#lock ??= await this.#takeName();
    await this.#replaceOwn(data, gauges, false);
  }

  /** The last word of this process; then folds, where many files have gathered. */
  async close(data: MetricData): Promise<void> {
    const gauges = { queueDepth: 0, unsavedSince: null };
    if (this.#name !== undefined) await this.#replaceOwn(data, gauges, true);
    else await this.#createOwn(encode({ closed: true, ...gauges }, data));
    await this.#lock?.release();
    const names = await this.#processNames();
    if (names.length > FOLD_ABOVE) await this.#fold(names);
  }

  async #processNames(): Promise<string[]> {
    return (await this.storage.list("metrics")).flatMap((name) => PROCESS.exec(name)?.[1] ?? []);
  }

  #candidate(attempt: number): string {
    return `_process-${this.now().getTime().toString(36)}${Math.floor(this.random() * 36 ** 6).toString(36)}${attempt === 0 ? "" : `x${attempt}`}`;
  }

  async #takeName(): Promise<Lock> {
    for (let attempt = 0; ; attempt += 1) {
      const name = this.#candidate(attempt);
      const taken = await this.storage.tryLock(name, this.now());
      if (!taken.acquired) continue;
      this.#name = name;
      return taken.lock;
    }
  }

  async #createOwn(bytes: Uint8Array): Promise<void> {
    for (let attempt = 0; ; attempt += 1) {
      if (await this.storage.create(keyOf(this.#candidate(attempt)), bytes)) return;
    }
  }

  async #replaceOwn(data: MetricData, gauges: ProcessGauges, closed: boolean): Promise<void> {
    if (this.#name !== undefined) await this.storage.replace(keyOf(this.#name), encode({ closed, ...gauges }, data));
  }

  /** Undefined for none, a damaged one, and one of a newer version: counted by nobody here, and left alone. */
  async #readFields(key: Key): Promise<Fields | undefined> {
    const fields = await this.#readAny(key);
    return fields === "damaged" || fields?.["version"] !== VERSION ? undefined : fields;
  }

  async #readAny(key: Key): Promise<Fields | "damaged" | undefined> {
    const bytes = await this.storage.read(key, { maxBytes: MAX_BYTES }).catch(asDamaged);
    if (bytes === undefined || bytes === "damaged") return bytes;
    try {
      const fields: unknown = JSON.parse(Buffer.from(bytes).toString("utf8"));
      return typeof fields === "object" && fields !== null && "version" in fields && typeof fields.version === "number" ? fields : "damaged";
    } catch {
      return "damaged";
    }
  }

  async #readProcess(name: string): Promise<ProcessFile | undefined> {
    const fields = await this.#readFields(keyOf(name));
    if (fields === undefined) return undefined;
    const { queueDepth, unsavedSince, closed } = fields;
    return {
      data: parseMetrics(fields),
      closed: closed === true,
      queueDepth: typeof queueDepth === "number" && Number.isFinite(queueDepth) ? queueDepth : 0,
      unsavedSince: typeof unsavedSince === "string" && !Number.isNaN(Date.parse(unsavedSince)) ? unsavedSince : null,
    };
  }

  async #readTotal(): Promise<TotalFile> {
    const fields = await this.#readFields(TOTAL);
    const folded = fields?.["folded"];
    return { data: fields === undefined ? EMPTY : parseMetrics(fields), folded: Array.isArray(folded) ? folded.filter((name) => typeof name === "string") : [] };
  }

  async #fold(names: readonly string[]): Promise<void> {
    const attempt = await this.storage.tryLock(FOLD_LOCK, this.now());
    if (!attempt.acquired) return;
    try {
      await this.#foldLocked(names, attempt.lock);
    } finally {
      await attempt.lock.release();
    }
  }

  async #foldLocked(names: readonly string[], lock: Lock): Promise<void> {
    if ((await this.#keepDamagedTotal()) === "newer") return;
    const total = await this.#readTotal();
    let { data } = total;
    const ended: string[] = [];
    for (const name of names) {
      const file = await this.#readProcess(name);
      if (file === undefined || (!file.closed && (await this.storage.lockHolder(name)) !== undefined)) continue;
      ended.push(name);
      if (!total.folded.includes(name)) data = addMetrics(data, file.data);
    }
    const folded = [...total.folded.filter((name) => !ended.includes(name)).slice(-NAMES_KEPT), ...ended];
    const ids = new Set(knownIds(await this.storage.list("state"), await this.storage.list("backup")));
    const kept = withNewestDays(withConversations(data, (id) => ids.has(id)), DAYS_KEPT);
    await this.storage.replace(TOTAL, encode({ folded }, kept), lock);
    for (const name of ended) await this.#removeEnded(name);
  }

  /** A total that cannot be read is not overwritten but moved aside: what it counted may yet be had from it. */
  async #keepDamagedTotal(): Promise<"usable" | "newer"> {
    const fields = await this.#readAny(TOTAL);
    if (fields !== undefined && fields !== "damaged") return fields["version"] === VERSION ? "usable" : "newer";
    if (fields === "damaged") await this.storage.move(TOTAL, { area: "quarantine", name: `metrics-total.json.${this.now().getTime()}` });
    return "usable";
  }

  async #removeEnded(name: string): Promise<void> {
    await this.storage.remove(keyOf(name));
    // What a dead process left of its lock goes with its file.
    const attempt = await this.storage.tryLock(name, this.now());
    if (attempt.acquired) {
      await this.storage.sweep(name);
      await attempt.lock.release();
    }
  }
}

/** What is no file, or too large to be one of ours, counts nothing: metrics are no data, and nothing waits for them. */
function asDamaged(error: unknown): "damaged" {
  if (isDraftstateError(error, "CORRUPT")) return "damaged";
  throw error;
}

function keyOf(name: string): Key {
  return { area: "metrics", name: `${name}.json` };
}
