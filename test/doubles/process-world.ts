/** Process tables of a made-up machine, where a test decides who lives: for what cannot be had of real processes. Pids above 1000 are of other containers. */
import type { ProcessIdentity, ProcessTable } from "../../src/storage/process-table.js";

export class ProcessWorld {
  readonly #dead = new Set<number>();

  constructor(private readonly bootId = "boot-1") {}

  kill(pid: number): void {
    this.#dead.add(pid);
  }

  identity(pid: number): ProcessIdentity {
    return {
      pid,
      host: "host-1",
      bootId: this.bootId,
      pidNamespace: `pid:[${Math.floor(pid / 1000)}]`,
      startTime: `${pid}000`,
    };
  }

  /** The table as process `pid` sees it. */
  table(pid: number): ProcessTable {
    const self = this.identity(pid);
    return {
      self: () => Promise.resolve(self),
      liveness: async (other) => {
        if (other.bootId !== self.bootId) return other.host === self.host ? "dead" : "unknown";
        if (other.pidNamespace !== self.pidNamespace) return "unknown";
        return this.#dead.has(other.pid) ? "dead" : "alive";
      },
    };
  }
}
