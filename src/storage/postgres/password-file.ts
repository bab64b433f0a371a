/**
 * The password of a connection from the user's password file, as libpq reads it: `PGPASSFILE` or `~/.pgpass`, of lines
 * `host:port:database:user:password`. A file that others may read is not used. `pg` reads it too, and says each time that it
 * will no longer do so.
 */
import { homedir, platform } from "node:os";
import { join } from "node:path";
import { attributesOf } from "../fs/paths.js";
import { readFollowed } from "../fs/read-at-once.js";
import { environment } from "../system.js";

export interface ConnectionTarget {
  readonly host?: string | undefined;
  readonly port?: number | undefined;
  readonly database?: string | undefined;
  readonly user?: string | undefined;
}

const MAX_BYTES = 1024 * 1024;
const BY_OTHERS = 0o077;
const DEFAULT_PORT = 5432;

/** Undefined where no line is of the target. */
export function passwordInFile(target: ConnectionTarget): string | undefined {
  const text = readPrivate(environment("PGPASSFILE") ?? defaultPath());
  for (const line of text.split(/\r?\n/)) {
    const fields = line.startsWith("#") ? [] : fieldsOf(line);
    if (fields.length === 5 && isOf(fields, target)) return fields[4];
  }
  return undefined;
}

function defaultPath(): string {
  return platform() === "win32"
    ? join(environment("APPDATA") ?? homedir(), "postgresql", "pgpass.conf")
    : join(homedir(), ".pgpass");
}

/** Empty where there is none, or where others may read it. */
function readPrivate(path: string): string {
  const found = attributesOf(path);
  if (found?.isFile !== true || (platform() !== "win32" && (found.mode & BY_OTHERS) !== 0)) return "";
  return Buffer.from(readFollowed(path, MAX_BYTES)).toString("utf8");
}

/** A colon or backslash in a field stands behind a backslash; the password is the rest of the line. */
function fieldsOf(line: string): string[] {
  const [, ...fields] =
    /^((?:[^:\\]|\\.)*):((?:[^:\\]|\\.)*):((?:[^:\\]|\\.)*):((?:[^:\\]|\\.)*):(.+)$/.exec(line) ?? [];
  return fields.map((field) => field.replaceAll(/\\([:\\])/g, "$1"));
}

function isOf([host, port, database, user]: readonly string[], target: ConnectionTarget): boolean {
  const isSame = (wanted: string | undefined, given: string): boolean => wanted === "*" || wanted === given;
  // A socket's directory stands for the machine itself.
  const place = target.host === undefined || target.host.startsWith("/") ? "localhost" : target.host;
  return (
    (isSame(host, place) || host === target.host) &&
    isSame(port, String(target.port ?? DEFAULT_PORT)) &&
    isSame(database, target.database ?? "") &&
    isSame(user, target.user ?? "")
  );
}
