/**
 * The storage as metrics use it, behind a gate. Once the gate is shut no call begins: whatever was still to be done
 * fails instead, and a lock that was on its way is released as it arrives. Releasing a lock needs no open gate.
 */
import { DraftstateError } from "../errors.js";
import type { Storage } from "../storage/storage.js";

export type MetricsStorage = Pick<
  Storage,
  "list" | "read" | "stat" | "replace" | "create" | "move" | "remove" | "sweep" | "tryLock" | "lockHolder"
>;

export class StorageGate {
  #shut = false;
  readonly storage: MetricsStorage;

  constructor(storage: MetricsStorage) {
    this.storage = {
      list: this.#guard(storage.list.bind(storage)),
      read: this.#guard(storage.read.bind(storage)),
      stat: this.#guard(storage.stat.bind(storage)),
      replace: this.#guard(storage.replace.bind(storage)),
      create: this.#guard(storage.create.bind(storage)),
      move: this.#guard(storage.move.bind(storage)),
      remove: this.#guard(storage.remove.bind(storage)),
      sweep: this.#guard(storage.sweep.bind(storage)),
      lockHolder: this.#guard(storage.lockHolder.bind(storage)),
      tryLock: this.#guardLock(storage.tryLock.bind(storage)),
    };
  }

  shut(): void {
    this.#shut = true;
  }

  #guard<A extends unknown[], R>(call: (...args: A) => Promise<R>): (...args: A) => Promise<R> {
    return async (...args) => {
      this.#assertOpen();
      return call(...args);
    };
  }

  #guardLock(tryLock: MetricsStorage["tryLock"]): MetricsStorage["tryLock"] {
    return async (...args) => {
      this.#assertOpen();
      const attempt = await tryLock(...args);
      if (this.#shut && attempt.acquired) await attempt.lock.release();
      this.#assertOpen();
      return attempt;
    };
  }

  #assertOpen(): void {
    if (this.#shut) throw new DraftstateError("USAGE", "metrics are closed");
  }
}
