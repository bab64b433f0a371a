/**
 * Locks as files: complete from their first moment (written aside, then linked), never broken for their age,
 * taken over only from an owner known to be dead, by exactly one of many contenders.
 *
 * Takeover: whoever wants to replace the lock of dead owner N must hold the claim `{lock}.{N}`, itself a lock of
 * the same kind. Only its owner and the claim's holder ever change a lock file, so once the claim is held and the
 * file still says N, replacing it by rename is safe. A claimant that dies leaves a claim that is claimed in turn.
 */
import { basename, join } from "node:path";
import { DraftstateError, systemErrorCode } from "../errors.js";
import type { FileSystem } from "./file-system.js";
import type { ProcessIdentity, ProcessTable } from "./process-table.js";
import type { FoundLock, Lock, LockAttempt, LockHolder, LockRefusal } from "./storage.js";

const MAX_LOCK_BYTES = 16 * 1024;
const MAX_CLAIM_DEPTH = 8;
const MAX_ROUNDS = 50;
const MAX_ATTEMPTS = 5;

interface LockRecord extends ProcessIdentity {
  readonly command: string;
  readonly since: string;
  /** Unique for each acquisition: tells one holding from the next. */
  readonly nonce: string;
}

type Found =
  | { readonly kind: "free" }
  | { readonly kind: "held"; readonly record: LockRecord }
  | { readonly kind: "unreadable"; readonly detail: string };

export interface LockDirectoryOptions {
  readonly fs: FileSystem;
  readonly processes: ProcessTable;
  readonly directory: string;
  readonly command: string;
  readonly randomName: () => string;
}

function parseRecord(bytes: Uint8Array): LockRecord | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes).toString("utf8"));
    if (typeof value !== "object" || value === null) return undefined;
    const fields = value as Record<string, unknown>;
    const text = (name: string): string | undefined => (typeof fields[name] === "string" ? fields[name] : undefined);
    const [host, nonce, since] = [text("host"), text("nonce"), text("since")];
    if (typeof fields["pid"] !== "number" || host === undefined || nonce === undefined || since === undefined) return undefined;
    if (!/^[A-Za-z0-9]{1,64}$/.test(nonce)) return undefined;
    return {
      pid: fields["pid"],
      host,
      nonce,
      since,
      bootId: text("bootId") ?? "",
      pidNamespace: text("pidNamespace") ?? "",
      startTime: text("startTime") ?? "",
      command: text("command") ?? "",
    };
  } catch {
    return undefined;
  }
}

/** The nonces in a claim's file name, outermost first; undefined for another file, such as the lock of an id like `a.lock`. */
function claimedNonces(name: string, entry: string): readonly string[] | undefined {
  const prefix = `${name}.lock.`;
  if (!entry.startsWith(prefix)) return undefined;
  const nonces = entry.slice(prefix.length).split(".");
  return nonces.every((nonce) => /^[A-Za-z0-9]+$/.test(nonce) && nonce !== "lock") ? nonces : undefined;
}

function holderOf({ command, pid, host, since }: LockRecord): LockHolder {
  return { holder: `${command} (pid ${pid} on ${host})`, since };
}

export class LockDirectory {
  /** Holdings of ours that were given up, also where the file could not be removed: nobody holds them any more. */
  readonly #givenUp = new Set<string>();

  constructor(private readonly options: LockDirectoryOptions) {}

  #liveness(record: LockRecord): Promise<"alive" | "dead" | "unknown"> {
    return this.#givenUp.has(record.nonce) ? Promise.resolve("dead") : this.options.processes.liveness(record);
  }

  pathOf(name: string): string {
    return join(this.options.directory, `${name}.lock`);
  }

  async tryLock(name: string, since: Date): Promise<LockAttempt> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return (await this.#refusal(this.pathOf(name))) ?? (await this.#tryOnce(name, since));
      } catch (error) {
        // A sweep by another process took our record, still empty, for one that a killed process left.
        if (systemErrorCode(error) !== "ENOENT" || attempt === MAX_ATTEMPTS) throw error;
      }
    }
  }

  /** Looked for first, so that many who wait write nothing; undefined where there may be a lock to get. */
  async #refusal(path: string): Promise<LockRefusal | undefined> {
    const found = await this.#look(path);
    if (found.kind !== "held") return undefined;
    const liveness = await this.#liveness(found.record);
    return liveness === "dead" ? undefined : { acquired: false, holder: holderOf(found.record), liveness, where: path };
  }

  async #tryOnce(name: string, since: Date): Promise<LockAttempt> {
    const { processes, command, randomName } = this.options;
    const record: LockRecord = { ...(await processes.self()), command, since: since.toISOString(), nonce: randomName() };
    return this.#withRecordFile(record, (file) => this.#acquire(this.pathOf(name), record, file, 0));
  }

  async holder(name: string): Promise<LockHolder | undefined> {
    const found = await this.#look(this.pathOf(name));
    if (found.kind !== "held") return undefined;
    return (await this.#liveness(found.record)) === "dead" ? undefined : holderOf(found.record);
  }

  async all(): Promise<FoundLock[]> {
    const { fs, directory } = this.options;
    if ((await fs.stat(directory)) === undefined) return [];
    const names = (await fs.list(directory)).flatMap((entry) => /^(?!\.)(.+)\.lock$/.exec(entry)?.[1] ?? []);
    const locks: FoundLock[] = [];
    for (const name of names.sort()) {
      const found = await this.#look(this.pathOf(name));
      if (found.kind === "unreadable") locks.push({ name, holder: undefined, liveness: "unknown" });
      if (found.kind === "held") locks.push({ name, holder: holderOf(found.record), liveness: await this.#liveness(found.record) });
    }
    return locks;
  }

  /** Removes what killed processes left in the directory: files written aside and claims on locks long gone. */
  async sweep(name: string): Promise<string[]> {
    const { fs, directory } = this.options;
    const removed: string[] = [];
    const current = await this.#look(this.pathOf(name));
    for (const entry of await fs.list(directory)) {
      const aside = entry.startsWith(".tmp-");
      const nonces = claimedNonces(name, entry);
      if (!aside && nonces === undefined) continue;
      if (current.kind === "held" && nonces?.[0] === current.record.nonce) continue;
      const found = await this.#look(join(directory, entry));
      // A record that its writer was killed over, or is about to write: whoever loses a living one begins again.
      const torn = aside && found.kind === "unreadable";
      if (!torn && (found.kind !== "held" || (await this.#liveness(found.record)) !== "dead")) continue;
      await this.#unlink(join(directory, entry));
      removed.push(join(directory, entry));
    }
    return removed;
  }

  async #withRecordFile<T>(record: LockRecord, use: (file: string) => Promise<T>): Promise<T> {
    const { fs, directory } = this.options;
    const path = join(directory, `.tmp-${record.nonce}`);
    const file = await fs.createFile(path);
    try {
      try {
        await file.write(Buffer.from(`${JSON.stringify(record)}\n`));
        // A lock must not come back empty after power loss: an unreadable lock is nobody's to break.
        await file.sync();
      } finally {
        await file.close();
      }
      return await use(path);
    } finally {
      // A failing clean-up must not hide that the lock was acquired: it would be held by nobody who knows.
      await this.#unlink(path).catch(() => undefined);
    }
  }

  async #acquire(path: string, record: LockRecord, file: string, depth: number): Promise<LockAttempt> {
    for (let round = 0; round < MAX_ROUNDS; round += 1) {
      if (await this.#link(file, path)) return { acquired: true, lock: this.#lockAt(path, record) };
      const found = await this.#look(path);
      if (found.kind === "free") continue;
      if (found.kind === "unreadable") return { acquired: false, holder: undefined, liveness: "unknown", where: path, detail: found.detail };
      const { record: other } = found;
      const liveness = await this.#liveness(other);
      if (liveness !== "dead") return { acquired: false, holder: holderOf(other), liveness, where: path };
      const attempt = await this.#takeOver(path, other, record, file, depth);
      if (attempt !== undefined) return attempt;
    }
    return { acquired: false, holder: undefined, liveness: "alive", where: path, detail: "contended by many processes" };
  }

  /** Undefined when the lock changed hands meanwhile: look again. */
  async #takeOver(path: string, dead: LockRecord, record: LockRecord, file: string, depth: number): Promise<LockAttempt | undefined> {
    if (depth >= MAX_CLAIM_DEPTH) return { acquired: false, holder: holderOf(dead), liveness: "unknown", where: path, detail: "too many dead claimants" };
    const claim = await this.#acquire(`${path}.${dead.nonce}`, record, file, depth + 1);
    if (!claim.acquired) return { ...claim, where: path };
    try {
      const still = await this.#look(path);
      if (still.kind !== "held" || still.record.nonce !== dead.nonce) return undefined;
      const { fs, directory, randomName } = this.options;
      const replacement = join(directory, `.tmp-${randomName()}`);
      await fs.link(file, replacement);
      await fs.rename(replacement, path);
      return { acquired: true, lock: this.#lockAt(path, record), takenOverFrom: holderOf(dead) };
    } finally {
      // A claim left on a lock that changed hands blocks nobody; a failing release must not hide the outcome.
      await claim.lock.release().catch(() => undefined);
    }
  }

  async #link(file: string, path: string): Promise<boolean> {
    try {
      await this.options.fs.link(file, path);
      return true;
    } catch (error) {
      if (systemErrorCode(error) === "EEXIST") return false;
      throw error;
    }
  }

  async #look(path: string): Promise<Found> {
    const { fs } = this.options;
    const stat = await fs.stat(path);
    if (stat === undefined) return { kind: "free" };
    if (stat.kind !== "file") return { kind: "unreadable", detail: `is a ${stat.kind}, not a lock file` };
    try {
      const file = await fs.openForReading(path);
      try {
        // Its own size: the lock may have been replaced by a longer one since `stat`.
        const { size } = await file.info();
        if (size > MAX_LOCK_BYTES) return { kind: "unreadable", detail: "is too large for a lock file" };
        const record = parseRecord(await file.read(0, size));
        return record === undefined ? { kind: "unreadable", detail: "is not a lock file of draftstate" } : { kind: "held", record };
      } finally {
        await file.close();
      }
    } catch (error) {
      if (systemErrorCode(error) === "ENOENT") return { kind: "free" };
      throw error;
    }
  }

  #lockAt(path: string, record: LockRecord): Lock {
    const isOurs = async (): Promise<boolean> => {
      const found = await this.#look(path);
      return found.kind === "held" && found.record.nonce === record.nonce;
    };
    return {
      name: basename(path, ".lock"),
      holder: holderOf(record),
      assertHeld: async () => {
        if (await isOurs()) return;
        throw new DraftstateError("LOCKED", `the lock ${path} is no longer ours: it was removed or replaced from outside; nothing was overwritten`, { path });
      },
      release: async () => {
        this.#givenUp.add(record.nonce);
        if (await isOurs()) await this.#unlink(path);
        this.#givenUp.delete(record.nonce);
      },
    };
  }

  async #unlink(path: string): Promise<void> {
    try {
      await this.options.fs.unlink(path);
    } catch (error) {
      if (systemErrorCode(error) !== "ENOENT") throw error;
    }
  }
}
