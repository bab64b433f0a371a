/**
 * What was found of a store → checks, each with a status and a line that says what to do. Pure; operations/health.ts
 * gathers the facts. No text of a conversation is in them, only names.
 */
export type HealthStatus = "ok" | "warn" | "fail";

export interface HealthCheck {
  readonly name: string;
  readonly status: HealthStatus;
  readonly detail: string;
}

export interface Health {
  readonly status: HealthStatus;
  readonly checks: readonly HealthCheck[];
}

/** A fact, or why it could not be had. */
export type Fact<T> = { readonly value: T } | { readonly error: string };

export interface ServerFacts {
  readonly server: string;
  readonly tables: readonly { readonly name: string; readonly bytes: number }[];
  readonly answeredInMs: number;
}

export interface HealthFacts {
  /** Undefined where the values are files. */
  readonly server?: Fact<ServerFacts>;
  readonly directories: readonly { readonly place: string; readonly probe: Fact<"writable" | "missing"> }[];
  readonly space: Fact<readonly { readonly place: string; readonly freeBytes: number; readonly totalBytes: number }[]>;
  readonly locks: Fact<{
    readonly stale: readonly { readonly name: string; readonly holder: string; readonly since: string }[];
    readonly unreadable: readonly string[];
  }>;
  readonly damage: Fact<{
    readonly checked: number;
    readonly quick: boolean;
    readonly problems: readonly { readonly path: string; readonly kind: string }[];
    readonly quarantined: number;
  }>;
  readonly unsaved: Fact<readonly { readonly who: string; readonly ageMs: number }[]>;
  readonly fallback: Fact<{ readonly directory: string | undefined; readonly conversations: readonly string[] }>;
  readonly backups: Fact<{
    readonly enabled: boolean;
    readonly conversations: number;
    readonly overdue: readonly { readonly id: string; readonly ageMs: number }[];
  }>;
}

export interface HealthLimits {
  /** Warns below; fails below a tenth of it. */
  readonly minFreeBytes: number;
  /** Warns above; fails above ten times it. */
  readonly maxUnsavedMs: number;
  /** Age of changes without a backup that is warned of. */
  readonly maxBackupAgeMs: number;
}

export const DEFAULT_LIMITS: HealthLimits = {
  minFreeBytes: 500 * 1024 * 1024,
  maxUnsavedMs: 60_000,
  maxBackupAgeMs: 86_400_000,
};

const WORST: readonly HealthStatus[] = ["ok", "warn", "fail"];
const NAMED = 3;

function worst(statuses: readonly HealthStatus[]): HealthStatus {
  return WORST.findLast((status) => statuses.includes(status)) ?? "ok";
}

function named(names: readonly string[]): string {
  const more = names.length - NAMED;
  return names.slice(0, NAMED).join(", ") + (more > 0 ? ` and ${more} more` : "");
}

function megabytes(bytes: number): string {
  return bytes >= 10 * 1024 ** 3
    ? `${Math.round(bytes / 1024 ** 3)} GiB`
    : `${Math.round((bytes / 1024 ** 2) * 10) / 10} MiB`;
}

function age(ms: number): string {
  const minutes = Math.floor(ms / 60_000);
  if (minutes < 2) return `${Math.floor(ms / 1000)} s`;
  return minutes < 120
    ? `${minutes} min`
    : minutes < 48 * 60
      ? `${Math.floor(minutes / 60)} h`
      : `${Math.floor(minutes / 1440)} days`;
}

type Verdict = readonly [HealthStatus, string];

function judged<T>(name: string, fact: Fact<T>, judge: (value: T) => Verdict): HealthCheck {
  if ("error" in fact) return { name, status: "fail", detail: `could not be checked: ${fact.error}` };
  const [status, detail] = judge(fact.value);
  return { name, status, detail };
}

function directories(facts: HealthFacts): HealthCheck {
  const bad = facts.directories.flatMap(({ probe }) => ("error" in probe ? [probe.error] : []));
  const missing = facts.directories.flatMap(({ place, probe }) =>
    "value" in probe && probe.value === "missing" ? [place] : [],
  );
  const name = "directories-writable";
  if (bad.length > 0) return { name, status: "fail", detail: [...new Set(bad)].join("; ") };
  if (missing.length > 0)
    return {
      name,
      status: "warn",
      detail: `not there yet: ${missing.join(", ")}; made by the first save, unless a disk is not mounted`,
    };
  return { name, status: "ok", detail: facts.directories.map(({ place }) => place).join(", ") };
}

function freeSpace({ space }: HealthFacts, { minFreeBytes }: HealthLimits): HealthCheck {
  return judged("free-space", space, (found): Verdict => {
    const least = [...found].sort((a, b) => a.freeBytes - b.freeBytes)[0];
    if (least === undefined) return ["ok", "the store does not report its free space"];
    const text = `${megabytes(least.freeBytes)} of ${megabytes(least.totalBytes)} free where ${least.place} is`;
    if (least.freeBytes >= minFreeBytes) return ["ok", text];
    return [
      least.freeBytes < minFreeBytes / 10 ? "fail" : "warn",
      `${text}, less than ${megabytes(minFreeBytes)}: make room`,
    ];
  });
}

function server(fact: Fact<ServerFacts>): HealthCheck {
  return judged("server", fact, ({ server, tables, answeredInMs }): Verdict => {
    const sizes = tables.map(({ name, bytes }) => `${name} ${megabytes(bytes)}`).join(", ");
    return ["ok", `${server}, answers in ${Math.ceil(answeredInMs)} ms; ${sizes === "" ? "no tables yet" : sizes}`];
  });
}

function staleLocks({ locks }: HealthFacts): HealthCheck {
  return judged("stale-locks", locks, ({ stale, unreadable }): Verdict => {
    if (unreadable.length > 0) return ["warn", `cannot be read, and block every writer: ${named(unreadable)}`];
    if (stale.length === 0) return ["ok", "none"];
    const who = stale.map(({ name, holder, since }) => `${name} (${holder}, since ${since})`);
    return ["warn", `left by processes that are gone: ${named(who)}; the next writer takes them over`];
  });
}

/** What a crash leaves and the next opening mends is no damage to wake anyone for. */
const MENDED_BY_ITSELF: readonly string[] = ["journal-torn", "thread-torn", "items-torn"];

function damagedFiles({ damage }: HealthFacts): HealthCheck {
  return judged("damaged-files", damage, ({ checked, quick, problems, quarantined }): Verdict => {
    const kept = quarantined === 0 ? "" : `; ${quarantined} in quarantine from before`;
    const looked = quick
      ? `${checked} conversations looked at, only the ends of their files`
      : `${checked} files checked`;
    if (problems.length === 0) return ["ok", `${looked}${kept}`];
    const copies = problems.filter(({ kind }) => kind === "conflict-copy");
    const serious = problems.filter((problem) => !MENDED_BY_ITSELF.includes(problem.kind) && !copies.includes(problem));
    const shown = [serious, copies].find(({ length }) => length > 0) ?? problems;
    const list = named(shown.map(({ path, kind }) => `${path} (${kind})`));
    if (shown === copies) return ["warn", `${list}: manager.verify() says how to keep or remove them`];
    return serious.length > 0
      ? ["fail", `${list}: manager.verify() says what is wrong`]
      : ["warn", `${list}: a crash left it, the next opening repairs it`];
  });
}

function unsavedChanges({ unsaved }: HealthFacts, { maxUnsavedMs }: HealthLimits): HealthCheck {
  return judged("unsaved-changes", unsaved, (found): Verdict => {
    const oldest = [...found].sort((a, b) => b.ageMs - a.ageMs)[0];
    if (oldest === undefined) return ["ok", "none known"];
    const text = `unsaved for ${age(oldest.ageMs)}: ${oldest.who}`;
    if (oldest.ageMs <= maxUnsavedMs) return ["ok", text];
    return [oldest.ageMs > 10 * maxUnsavedMs ? "fail" : "warn", `${text}: look at what that process says of its saves`];
  });
}

function fallbackInUse({ fallback }: HealthFacts): HealthCheck {
  return judged("fallback", fallback, ({ directory, conversations }): Verdict => {
    if (directory === undefined) return ["ok", "none is set"];
    if (conversations.length === 0) return ["ok", `${directory} is not in use`];
    return [
      "warn",
      `in use, in ${directory}: ${named(conversations)}; folded back when they are opened and the state directory can be written`,
    ];
  });
}

function backupAge({ backups }: HealthFacts, { maxBackupAgeMs }: HealthLimits): HealthCheck {
  return judged("backups", backups, ({ enabled, conversations, overdue }): Verdict => {
    if (!enabled) return ["ok", "turned off (maxBackups is 0)"];
    const late = overdue.filter(({ ageMs }) => ageMs > maxBackupAgeMs).sort((a, b) => b.ageMs - a.ageMs);
    if (late.length === 0)
      return [
        "ok",
        conversations === 0 ? "no conversations yet" : `no change is without a backup for over ${age(maxBackupAgeMs)}`,
      ];
    return [
      "warn",
      `changes without a backup for ${age(late[0]?.ageMs ?? 0)}: ${named(late.map(({ id }) => id))}; manager.backup(id) makes one`,
    ];
  });
}

export function judgeHealth(facts: HealthFacts, limits: HealthLimits): Health {
  const checks = [
    ...(facts.server === undefined ? [] : [server(facts.server)]),
    directories(facts),
    freeSpace(facts, limits),
    staleLocks(facts),
    damagedFiles(facts),
    unsavedChanges(facts, limits),
    fallbackInUse(facts),
    backupAge(facts, limits),
  ];
  return { status: worst(checks.map(({ status }) => status)), checks };
}
