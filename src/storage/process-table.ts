/**
 * Who we are and whether another process still lives, precisely enough that a reused pid, a reboot, another machine or
 * another container is never taken for the owner of a lock. Host name, time zone and locale do not matter on one boot.
 * What cannot be compared is `unknown`.
 */
import type { System } from "./system.js";
import { thisSystem } from "./system.js";

export interface ProcessIdentity {
  readonly pid: number;
  readonly host: string;
  /** Changes with every boot; empty where the system has none. */
  readonly bootId: string;
  /** Stays over reboots and names one machine; empty or absent where unknown. */
  readonly machineId?: string;
  /** Where pids are counted: containers on one host have namespaces of their own. Empty where the system has none. */
  readonly pidNamespace: string;
  /** When the process started, in the system's own unit; empty where unknown. */
  readonly startTime: string;
}

export type Liveness = "alive" | "dead" | "unknown";

export interface ProcessTable {
  self(): Promise<ProcessIdentity>;
  /** `unknown` for a process that cannot be seen from here: never to be taken for dead. */
  liveness(identity: ProcessIdentity): Promise<Liveness>;
}

/** Of the first namespace of every boot (PROC_PID_INIT_INO): a process in it runs on the machine itself. */
const INITIAL_NAMESPACE = "pid:[4026531836]";
/** A boot told by its time moves when the clock is set: two that differ may be one. */
const BOOT_TIME = "boottime:";

interface ProcessStatus {
  readonly state: string;
  readonly threads: number;
  readonly startTime: string;
}

/** Fields 3, 20 and 22 of /proc/PID/stat (proc_pid_stat(5)); the name in field 2 may hold spaces and parentheses. */
function parseProcStat(text: string): ProcessStatus | undefined {
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const state = fields[0];
  const startTime = fields[19];
  return state === undefined || startTime === undefined ? undefined : { state, startTime, threads: Number(fields[17]) };
}

/** `S+   Wed Jan 14 21:30:00 2026`, in UTC and in the C locale, so that it is the same text for every process that asks. */
function parsePs(text: string): ProcessStatus | undefined {
  const [, state, startTime] = /^\s*(\S+)\s+(\S.*?)\s*$/.exec(text) ?? [];
  return state === undefined || startTime === undefined
    ? undefined
    : { state: state.charAt(0), startTime: startTime.replaceAll(/\s+/g, " "), threads: 1 };
}

export class SystemProcessTable implements ProcessTable {
  #self: Promise<ProcessIdentity> | undefined;

  constructor(private readonly system: System = thisSystem) {}

  self(): Promise<ProcessIdentity> {
    this.#self ??= this.#readSelf();
    return this.#self;
  }

  async liveness(identity: ProcessIdentity): Promise<Liveness> {
    const self = await this.self();
    // Linux without a look at its namespaces, as in some sandboxes: a pid may be one of another container.
    if (this.system.platform === "linux" && self.pidNamespace === "" && !isSurelyHere(identity, self)) return "unknown";
    const boot = bootOf(identity, self);
    return boot === "same" || isSurelyHere(identity, self)
      ? this.#livenessHere(identity)
      : boot === "earlier"
        ? "dead"
        : "unknown";
  }

  async #readSelf(): Promise<ProcessIdentity> {
    const { system } = this;
    const [bootId, machineId, pidNamespace, status] = await Promise.all([
      this.#bootId(),
      this.#machineId(),
      system.readLink("/proc/self/ns/pid"),
      this.#statusOf(system.pid),
    ]);
    return {
      pid: system.pid,
      host: system.host(),
      bootId,
      machineId,
      pidNamespace,
      startTime: status?.startTime ?? "",
    };
  }

  /** Of a process of this very boot and namespace. */
  async #livenessHere({ pid, startTime }: ProcessIdentity): Promise<Liveness> {
    const { system } = this;
    if (!Number.isSafeInteger(pid) || pid <= 0 || !system.exists(pid)) return "dead";
    const status = await this.#statusOf(pid);
    if (status === undefined) return system.exists(pid) ? "alive" : "dead";
    // A killed process whose other threads are still inside a system call may yet rename a file: it is not dead.
    if ((status.state === "Z" || status.state === "X") && !(status.threads > 1)) return "dead";
    return startTime !== "" && status.startTime !== "" && startTime !== status.startTime ? "dead" : "alive";
  }

  async #statusOf(pid: number): Promise<ProcessStatus | undefined> {
    const { system } = this;
    const stat = await system.readText(`/proc/${pid}/stat`);
    if (stat !== "") return parseProcStat(stat);
    return system.platform === "win32"
      ? undefined
      : parsePs(await system.run("ps", ["-o", "stat=", "-o", "lstart=", "-p", String(pid)]));
  }

  async #bootId(): Promise<string> {
    const { system } = this;
    const linux = (await system.readText("/proc/sys/kernel/random/boot_id")).trim();
    if (linux !== "" || !hasSysctl(system)) return linux;
    const session = (await system.run("sysctl", ["-n", "kern.bootsessionuuid"])).trim();
    if (session !== "") return session;
    // `{ sec = 1768426200, usec = 0 } Wed Jan 14 21:30:00 2026`: the text after it is in the time zone of the process that asks.
    const [, seconds] = /\bsec = (\d+)/.exec(await system.run("sysctl", ["-n", "kern.boottime"])) ?? [];
    return seconds === undefined ? "" : `${BOOT_TIME}${seconds}`;
  }

  async #machineId(): Promise<string> {
    const { system } = this;
    const linux =
      (await system.readText("/etc/machine-id")).trim() || (await system.readText("/var/lib/dbus/machine-id")).trim();
    if (linux !== "" || !hasSysctl(system)) return linux;
    return (await system.run("sysctl", ["-n", "kern.uuid"])).trim();
  }
}

/** Linux has no sysctl of these names, and Windows none at all. */
function hasSysctl({ platform }: System): boolean {
  return platform !== "linux" && platform !== "win32";
}

/** Whose boot that was: `same` only where pids can be compared, `earlier` only where it is known to be over. */
function bootOf(other: ProcessIdentity, self: ProcessIdentity): "same" | "earlier" | "unknown" {
  if (other.bootId === "" || self.bootId === "" || other.pidNamespace !== self.pidNamespace) return "unknown";
  if (other.bootId === self.bootId) return "same";
  if (other.bootId.startsWith(BOOT_TIME) || self.bootId.startsWith(BOOT_TIME)) return "unknown";
  return isSameMachine(other, self) ? "earlier" : "unknown";
}

/** Where neither boot nor namespace can be told: one machine and one host name, and processes that can be seen with their start times. */
function isSurelyHere(other: ProcessIdentity, self: ProcessIdentity): boolean {
  const isBlind = [other, self].every(
    ({ bootId, pidNamespace, startTime }) => bootId === "" && pidNamespace === "" && startTime !== "",
  );
  return isBlind && (self.machineId ?? "") !== "" && other.machineId === self.machineId && other.host === self.host;
}

/** In a container the machine id is one of the image, which may run on many machines: its host name must be the same too. */
function isSameMachine(other: ProcessIdentity, self: ProcessIdentity): boolean {
  const isContainer = self.pidNamespace !== "" && self.pidNamespace !== INITIAL_NAMESPACE;
  const [theirs, ours] = [other.machineId ?? "", self.machineId ?? ""];
  if (theirs === "" || ours === "") return other.host === self.host;
  return theirs === ours && (!isContainer || other.host === self.host);
}
