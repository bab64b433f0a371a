/**
 * Who we are and whether another process still lives, precisely enough that a reused pid, a reboot or a
 * second container is never taken for the owner of a lock.
 */
import { execFile } from "node:child_process";
import { readFile as readFileLater, readlink as readlinkLater } from "node:fs";
import { hostname } from "node:os";
import { kill, pid } from "node:process";
import { promisify } from "node:util";
import { systemErrorCode } from "../errors.js";

export interface ProcessIdentity {
  readonly pid: number;
  readonly host: string;
  /** Changes with every boot; empty where the system has none. */
  readonly bootId: string;
  /** Where pids are counted: containers on one host have namespaces of their own. Empty where unknown. */
  readonly pidNamespace: string;
  /** When the process started, in the system's own unit; empty where unknown. */
  readonly startTime: string;
}

export interface ProcessTable {
  self(): Promise<ProcessIdentity>;
  /** `unknown` for a process that cannot be seen from here: never to be taken for dead. */
  liveness(identity: ProcessIdentity): Promise<"alive" | "dead" | "unknown">;
}

const readFile = promisify(readFileLater);
const readlink = promisify(readlinkLater);

async function readText(path: string): Promise<string> {
  return readFile(path, "utf8").catch(() => "");
}

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

async function startTimeFromPs(target: number): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)("ps", ["-o", "lstart=", "-p", String(target)], { timeout: 2000 });
    return stdout.trim();
  } catch {
    return "";
  }
}

async function processStatus(target: number): Promise<ProcessStatus | undefined> {
  const stat = await readText(`/proc/${target}/stat`);
  if (stat !== "") return parseProcStat(stat);
  const startTime = await startTimeFromPs(target);
  return startTime === "" ? undefined : { state: "", startTime, threads: 1 };
}

function exists(target: number): boolean {
  try {
    return kill(target, 0);
  } catch (error) {
    return systemErrorCode(error) === "EPERM";
  }
}

export class SystemProcessTable implements ProcessTable {
  #self: Promise<ProcessIdentity> | undefined;

  self(): Promise<ProcessIdentity> {
    this.#self ??= this.#readSelf();
    return this.#self;
  }

  async #readSelf(): Promise<ProcessIdentity> {
    const [bootId, pidNamespace, status] = await Promise.all([
      readText("/proc/sys/kernel/random/boot_id"),
      readlink("/proc/self/ns/pid").catch(() => ""),
      processStatus(pid),
    ]);
    return { pid, host: hostname(), bootId: bootId.trim(), pidNamespace, startTime: status?.startTime ?? "" };
  }

  async liveness(identity: ProcessIdentity): Promise<"alive" | "dead" | "unknown"> {
    const self = await this.self();
    if (identity.host !== self.host) return "unknown";
    if (identity.bootId !== "" && self.bootId !== "" && identity.bootId !== self.bootId) return "dead";
    if (identity.pidNamespace !== self.pidNamespace) return "unknown";
    if (!Number.isSafeInteger(identity.pid) || identity.pid <= 0) return "dead";
    if (!exists(identity.pid)) return "dead";
    const status = await processStatus(identity.pid);
    if (status === undefined) return exists(identity.pid) ? "alive" : "dead";
    // A killed process whose other threads are still inside a system call may yet rename a file: it is not dead.
    if ((status.state === "Z" || status.state === "X") && !(status.threads > 1)) return "dead";
    return identity.startTime !== "" && status.startTime !== "" && identity.startTime !== status.startTime ? "dead" : "alive";
  }
}
