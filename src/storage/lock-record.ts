/** What a lock file says: who took the lock, precisely enough to tell whether that process still lives, and until when. */
import type { ProcessIdentity } from "./process-table.js";
import type { LockHolder } from "./storage.js";

export interface LockRecord extends ProcessIdentity {
  readonly command: string;
  readonly since: string;
  /** Unique for each acquisition: tells one holding from the next. */
  readonly nonce: string;
  /** ISO 8601, of a lease alone: from then on the lock may be taken over, whether or not its holder lives. */
  readonly expiresAt?: string;
}

const NONCE = /^[A-Za-z0-9]{1,64}$/;

export function encodeRecord(record: LockRecord): Uint8Array {
  return Buffer.from(`${JSON.stringify(record)}\n`);
}

/** Undefined for what is not a lock of ours, torn ones included. */
export function parseRecord(bytes: Uint8Array): LockRecord | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes).toString("utf8"));
    if (typeof value !== "object" || value === null) return undefined;
    const fields = value as Record<string, unknown>;
    const text = (name: string): string | undefined => (typeof fields[name] === "string" ? fields[name] : undefined);
    const [host, nonce, since, expiresAt] = [text("host"), text("nonce"), text("since"), text("expiresAt")];
    if (typeof fields["pid"] !== "number" || host === undefined || nonce === undefined || since === undefined)
      return undefined;
    if (!NONCE.test(nonce) || (expiresAt !== undefined && Number.isNaN(Date.parse(expiresAt)))) return undefined;
    return {
      pid: fields["pid"],
      host,
      nonce,
      since,
      bootId: text("bootId") ?? "",
      machineId: text("machineId") ?? "",
      pidNamespace: text("pidNamespace") ?? "",
      startTime: text("startTime") ?? "",
      command: text("command") ?? "",
      ...(expiresAt === undefined ? {} : { expiresAt }),
    };
  } catch {
    return undefined;
  }
}

export function holderOf({ command, pid, host, since, expiresAt }: LockRecord): LockHolder {
  return { holder: `${command} (pid ${pid} on ${host})`, since, ...(expiresAt === undefined ? {} : { expiresAt }) };
}
