/** Who is dead, on every system: macOS and Windows are made up, so that what they do differently is seen here too. */
import { describe, expect, test } from "vitest";
import { SystemProcessTable, type ProcessIdentity } from "../../src/storage/process-table.js";
import { thisSystem, type System } from "../../src/storage/system.js";

const INITIAL = "pid:[4026531836]";
const CONTAINER = "pid:[4026532201]";

interface Machine {
  readonly platform: NodeJS.Platform;
  readonly host?: string;
  /** By path, links too. */
  readonly files?: Readonly<Record<string, string>>;
  /** By command line. */
  readonly programs?: Readonly<Record<string, string>>;
  readonly pids?: readonly number[];
}

function tableOn({ platform, host = "host-1", files = {}, programs = {}, pids = [1, 2] }: Machine): SystemProcessTable {
  const system: System = {
    pid: 1,
    platform,
    host: () => host,
    readText: async (path) => files[path] ?? "",
    readLink: async (path) => files[path] ?? "",
    run: async (program, args) => programs[[program, ...args].join(" ")] ?? "",
    exists: (pid) => pids.includes(pid),
  };
  return new SystemProcessTable(system);
}

const ps = (pid: number, text: string): Record<string, string> => ({ [`ps -o stat= -o lstart= -p ${pid}`]: text });
const STARTED = "S+   Wed Jan 14 21:30:00 2026    \n";

const MAC: Machine = {
  platform: "darwin",
  programs: {
    "sysctl -n kern.bootsessionuuid": "BOOT-1\n",
    "sysctl -n kern.uuid": "MACHINE-1\n",
    ...ps(1, STARTED),
    ...ps(2, STARTED),
  },
};
const MAC_OWNER: ProcessIdentity = {
  pid: 2,
  host: "host-1",
  bootId: "BOOT-1",
  machineId: "MACHINE-1",
  pidNamespace: "",
  startTime: "Wed Jan 14 21:30:00 2026",
};

function stat(state: string, startTime: string, threads = 1): string {
  const fields = Array.from({ length: 30 }, () => "0");
  [fields[0], fields[17], fields[19]] = [state, String(threads), startTime];
  return `2 (a (b) c) ${fields.join(" ")}`;
}

function linux({ namespace = INITIAL, ...more }: Partial<Machine> & { readonly namespace?: string } = {}): Machine {
  const files = {
    "/proc/sys/kernel/random/boot_id": "boot-1\n",
    "/etc/machine-id": "machine-1\n",
    "/proc/self/ns/pid": namespace,
    "/proc/1/stat": stat("S", "100"),
    "/proc/2/stat": stat("S", "200"),
  };
  return { platform: "linux", ...more, files: { ...files, ...more.files } };
}
const LINUX_OWNER: ProcessIdentity = {
  pid: 2,
  host: "host-1",
  bootId: "boot-1",
  machineId: "machine-1",
  pidNamespace: INITIAL,
  startTime: "200",
};

/** Neither boot nor namespace can be told, but `ps` works and the machine is known. */
const BLIND: Machine = {
  platform: "linux",
  files: { "/etc/machine-id": "machine-1\n" },
  programs: { ...ps(1, STARTED), ...ps(2, STARTED) },
};
const BLIND_OWNER: ProcessIdentity = { ...MAC_OWNER, bootId: "", machineId: "machine-1" };

interface Case {
  readonly on: Machine;
  readonly owner: ProcessIdentity;
  readonly is: "alive" | "dead" | "unknown";
}

const CASES: Readonly<Record<string, Case>> = {
  "macOS: the process runs": { on: MAC, owner: MAC_OWNER, is: "alive" },
  "macOS: the host was renamed": { on: { ...MAC, host: "host-2" }, owner: MAC_OWNER, is: "alive" },
  "macOS: no such process": { on: { ...MAC, pids: [1] }, owner: MAC_OWNER, is: "dead" },
  "macOS: the pid is another process's by now": {
    on: MAC,
    owner: { ...MAC_OWNER, startTime: "Wed Jan 14 21:29:59 2026" },
    is: "dead",
  },
  "macOS: a zombie": {
    on: { ...MAC, programs: { ...MAC.programs, ...ps(2, "Z    Wed Jan 14 21:30:00 2026") } },
    owner: MAC_OWNER,
    is: "dead",
  },
  "macOS: another boot of this machine": { on: MAC, owner: { ...MAC_OWNER, bootId: "BOOT-0" }, is: "dead" },
  "macOS: another machine of the same name": {
    on: MAC,
    owner: { ...MAC_OWNER, bootId: "BOOT-0", machineId: "MACHINE-2" },
    is: "unknown",
  },
  "macOS, boot told by its time: the same": {
    on: {
      ...MAC,
      programs: {
        ...ps(1, STARTED),
        ...ps(2, STARTED),
        "sysctl -n kern.boottime": "{ sec = 1768426200, usec = 7 } Thu Jan 15 06:30:00 2026\n",
      },
    },
    owner: { ...MAC_OWNER, bootId: "boottime:1768426200" },
    is: "alive",
  },
  "macOS, boot told by its time: another, which may be a clock that was set": {
    on: {
      ...MAC,
      programs: {
        ...ps(1, STARTED),
        ...ps(2, STARTED),
        "sysctl -n kern.boottime": "{ sec = 1768426201, usec = 7 } Thu Jan 15 06:30:01 2026\n",
      },
    },
    owner: { ...MAC_OWNER, bootId: "boottime:1768426200", machineId: "" },
    is: "unknown",
  },
  "Windows: no boot can be told, so nobody is dead": {
    on: { platform: "win32", pids: [1] },
    owner: { pid: 2, host: "host-1", bootId: "", machineId: "", pidNamespace: "", startTime: "" },
    is: "unknown",
  },
  "Linux: the process runs": { on: linux(), owner: LINUX_OWNER, is: "alive" },
  "Linux: the host was renamed, the process runs": { on: linux({ host: "host-2" }), owner: LINUX_OWNER, is: "alive" },
  "Linux: the host was renamed, no such process": {
    on: linux({ host: "host-2", pids: [1] }),
    owner: LINUX_OWNER,
    is: "dead",
  },
  "Linux: the pid is another process's by now": {
    on: linux(),
    owner: { ...LINUX_OWNER, startTime: "150" },
    is: "dead",
  },
  "Linux: a zombie": { on: linux({ files: { "/proc/2/stat": stat("Z", "200") } }), owner: LINUX_OWNER, is: "dead" },
  "Linux: a zombie whose threads are still in a system call": {
    on: linux({ files: { "/proc/2/stat": stat("Z", "200", 2) } }),
    owner: LINUX_OWNER,
    is: "alive",
  },
  "Linux: another container of this boot": {
    on: linux({ pids: [1] }),
    owner: { ...LINUX_OWNER, pidNamespace: CONTAINER },
    is: "unknown",
  },
  "Linux: namespaces cannot be seen": {
    on: linux({ pids: [1], files: { "/proc/self/ns/pid": "" } }),
    owner: { ...LINUX_OWNER, pidNamespace: "" },
    is: "unknown",
  },
  "Linux: another boot of this machine, renamed since": {
    on: linux({ host: "host-2" }),
    owner: { ...LINUX_OWNER, bootId: "boot-0" },
    is: "dead",
  },
  "Linux: another boot of this machine, told by D-Bus": {
    on: linux({ files: { "/etc/machine-id": "", "/var/lib/dbus/machine-id": "machine-1\n" } }),
    owner: { ...LINUX_OWNER, host: "host-0", bootId: "boot-0" },
    is: "dead",
  },
  "Linux: another machine, by a network file system": {
    on: linux({ pids: [1] }),
    owner: { ...LINUX_OWNER, bootId: "boot-2", machineId: "machine-2" },
    is: "unknown",
  },
  "Linux: another boot, no machine id, the same host name": {
    on: linux({ files: { "/etc/machine-id": "" } }),
    owner: { ...LINUX_OWNER, bootId: "boot-0" },
    is: "dead",
  },
  "Linux: another boot, no machine id, another host name": {
    on: linux({ files: { "/etc/machine-id": "" } }),
    owner: { ...LINUX_OWNER, host: "host-0", bootId: "boot-0" },
    is: "unknown",
  },
  "Linux: a record from before machine ids, the same host name": {
    on: linux(),
    owner: { pid: 2, host: "host-1", bootId: "boot-0", pidNamespace: INITIAL, startTime: "200" },
    is: "dead",
  },
  "Linux: the image's machine id, in a container of another host": {
    on: linux({ namespace: CONTAINER }),
    owner: { ...LINUX_OWNER, host: "host-2", bootId: "boot-2", pidNamespace: CONTAINER },
    is: "unknown",
  },
  "without /proc: the process runs": { on: BLIND, owner: BLIND_OWNER, is: "alive" },
  "without /proc: no such process": { on: { ...BLIND, pids: [1] }, owner: BLIND_OWNER, is: "dead" },
  "without /proc: the host has another name": {
    on: { ...BLIND, pids: [1], host: "host-2" },
    owner: BLIND_OWNER,
    is: "unknown",
  },
  "without /proc: another machine of the same name": {
    on: { ...BLIND, pids: [1] },
    owner: { ...BLIND_OWNER, machineId: "machine-2" },
    is: "unknown",
  },
  "without /proc: no machine id on either side": {
    on: { ...BLIND, pids: [1], files: {} },
    owner: { ...BLIND_OWNER, machineId: "" },
    is: "unknown",
  },
  "without /proc: the owner had one": {
    on: { ...BLIND, pids: [1] },
    owner: { ...BLIND_OWNER, bootId: "boot-1" },
    is: "unknown",
  },
  "Linux: no boot id on the owner's side": {
    on: linux({ pids: [1] }),
    owner: { ...LINUX_OWNER, bootId: "" },
    is: "unknown",
  },
  "Linux: no boot id on this side": {
    on: linux({ pids: [1], files: { "/proc/sys/kernel/random/boot_id": "" } }),
    owner: LINUX_OWNER,
    is: "unknown",
  },
};

test.each(Object.entries(CASES))("%s", async (_name, { on, owner, is }) => {
  expect(await tableOn(on).liveness(owner)).toBe(is);
});

test("what a process says of itself is what another finds", async () => {
  expect(await tableOn(MAC).self()).toEqual({ ...MAC_OWNER, pid: 1 });
  expect(await tableOn(linux()).self()).toEqual({ ...LINUX_OWNER, pid: 1, startTime: "100" });
});

describe.runIf(process.platform !== "win32")("programs that are asked", () => {
  test("answer in UTC and in the C locale, whatever the environment says", async () => {
    const before = { ...process.env };
    try {
      for (const [TZ, LC_ALL] of [
        ["Asia/Tokyo", "de_DE.UTF-8"],
        ["America/New_York", "C"],
        ["Europe/Berlin", ""],
      ] as const) {
        Object.assign(process.env, { TZ, LC_ALL, LANG: "de_DE", LC_TIME: "ja_JP.UTF-8" });
        expect(await thisSystem.run("sh", ["-c", 'date +%Z; echo "$LC_ALL $LANG $LC_TIME"'])).toBe("UTC\nC C C\n");
      }
    } finally {
      for (const name of ["TZ", "LC_ALL", "LANG", "LC_TIME"]) {
        if (before[name] === undefined) Reflect.deleteProperty(process.env, name);
        else process.env[name] = before[name];
      }
    }
  });

  test("and fail to nothing", async () => {
    expect(await thisSystem.run("sh", ["-c", "exit 3"])).toBe("");
    expect(await thisSystem.run("/nowhere/at/all", [])).toBe("");
  });
});
