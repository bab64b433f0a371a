/** What is asked of the operating system to tell one process from another; a double stands in for macOS and Windows. */
import { readFile as readFileLater, readlink as readlinkLater } from "node:fs";
import { hostname, platform } from "node:os";
import process, { env, kill, pid } from "node:process";
import { promisify } from "node:util";
import { systemErrorCode } from "../errors.js";

export interface System {
  readonly pid: number;
  readonly platform: NodeJS.Platform;
  host(): string;
  /** Empty where it cannot be read. */
  readText(path: string): Promise<string>;
  /** Empty if there is none. */
  readLink(path: string): Promise<string>;
  /** What the program prints, in UTC and in the C locale; empty where it fails. */
  run(program: string, args: readonly string[]): Promise<string>;
  exists(pid: number): boolean;
}

const readFile = promisify(readFileLater);
const readlink = promisify(readlinkLater);
const TIMEOUT_MS = 2000;
/** Dates that a program prints are compared as text, by processes of any time zone and language. */
const SAME_FOR_ALL = { TZ: "UTC", LC_ALL: "C", LANG: "C", LC_TIME: "C" };

/** Of a variable that PostgreSQL's own programs know; undefined where it is not set. */
export function environment(name: "PGPASSFILE" | "APPDATA"): string | undefined {
  return env[name];
}

/** Undefined where there are no such numbers: on Windows. */
export function thisUser(): { readonly uid: number; readonly gid: number } | undefined {
  const [uid, gid] = [process.geteuid?.(), process.getegid?.()];
  return uid === undefined || gid === undefined ? undefined : { uid, gid };
}

export const thisSystem: System = {
  pid,
  platform: platform(),
  host: hostname,
  readText: (path) => readFile(path, "utf8").catch(() => ""),
  readLink: (path) => readlink(path).catch(() => ""),
  run: async (program, args) => {
    try {
      const { execFile } = await import("node:child_process");
      const { stdout } = await promisify(execFile)(program, [...args], {
        timeout: TIMEOUT_MS,
        env: { ...env, ...SAME_FOR_ALL },
      });
      return stdout;
    } catch {
      return "";
    }
  },
  exists: (target) => {
    try {
      return kill(target, 0);
    } catch (error) {
      return systemErrorCode(error) === "EPERM";
    }
  },
};
