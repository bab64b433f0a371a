/**
 * A disk that is really full, read-only or gone, under the built command: exit 7 and a word of what to do, nothing that
 * was acknowledged or printed is lost, and once there is room again all goes on. With `fallbackDir` it goes on at once.
 */
import { mkdir, mkdtemp, readdir, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createDraftStatePersistenceManager } from "../../src/create-manager.js";
import { jsonLines, until, type Row, type Shown } from "../e2e/cli.js";
import { SmallDisk } from "./small-disk.js";
import { Victim } from "./victim.js";

const ID = "tale";
const TIMEOUT = { timeout: 120_000 };

let disk: SmallDisk | undefined;
let home: string;

beforeEach(async () => {
  disk = await SmallDisk.mount(512);
  home = await mkdtemp(join(tmpdir(), "draftstate-full-"));
});

afterEach(async () => {
  await disk?.unmount();
  await rm(home, { recursive: true, force: true });
});

interface Ran {
  readonly status: number | null;
  readonly stderr: string;
  readonly stdout: string;
}

function start(on: SmallDisk, args: readonly string[], env: Readonly<Record<string, string>> = {}): Victim {
  const directories = ["--state-dir", join(on.directory, "state"), "--backup-dir", join(on.directory, "backup")];
  return Victim.cli(
    [...args, ...directories],
    { DRAFTSTATE_OFFLINE_TOKEN_DELAY: "0", DRAFTSTATE_RETRY_ATTEMPTS: "1", ...env },
    home,
  );
}

async function run(on: SmallDisk, args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ran> {
  const command = start(on, args, env);
  await command.ended();
  return { status: command.status, stderr: command.stderr, stdout: command.lines.join("\n") };
}

async function data<T>(on: SmallDisk, args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<T> {
  const { status, stdout, stderr } = await run(on, [...args, "--json"], env);
  expect([status, stderr]).toEqual([0, expect.any(String)]);
  return JSON.parse(stdout) as T;
}

function printed(lines: string): string {
  return jsonLines(`${lines}\n`)
    .map((line) => (line.type === "token" ? String(line["text"]) : ""))
    .join("");
}

function answers(shown: Shown): string[] {
  return shown.messages.filter((message) => message.role === "assistant").map((message) => String(message.content));
}

/** As any reader sees it, without the time that a command takes to start. */
async function seen(on: SmallDisk): Promise<{ answers: string[]; revision: number; status: string; healthy: boolean }> {
  const manager = createDraftStatePersistenceManager({
    stateDir: join(on.directory, "state"),
    backupDir: join(on.directory, "backup"),
    autoSave: false,
  });
  const loaded = await manager.load(ID);
  const { revision, status } = loaded?.metadata ?? { revision: 0, status: "none" };
  return {
    answers: answers(loaded?.state as unknown as Shown),
    revision,
    status,
    healthy: (await manager.verify()).ok,
  };
}

describe("a disk that is full", TIMEOUT, () => {
  test.each([0, 2, 6])(
    "but for %i pages: chat says so with exit 7 or ends well, nothing printed is lost, and with room again it continues",
    async (pages) => {
      if (disk === undefined) return;
      expect((await run(disk, ["chat", "--id", ID, "Once"])).status).toBe(0);
      const before = await seen(disk);
      await disk.fill(pages);
      const full = await run(disk, ["chat", "--resume", ID, "And then?", "--json"]);
      const acknowledged = jsonLines(`${full.stdout}\n`).flatMap((line) =>
        line.type === "saved" ? [Number(line["revision"])] : [],
      );
      if (full.status !== 0)
        expect([full.status, full.stderr]).toEqual([7, expect.stringContaining("disk is full: free some space")]);
      const meanwhile = await seen(disk);
      expect(meanwhile.answers[0]).toBe(before.answers[0]);
      expect(meanwhile.revision).toBeGreaterThanOrEqual(Math.max(0, ...acknowledged));
      expect((meanwhile.answers[1] ?? "").startsWith(printed(full.stdout))).toBe(true);
      await disk.free();
      expect((await run(disk, ["chat", "--resume", ID, "Go on"])).status).toBe(0);
      const after = await seen(disk);
      expect(after.answers.slice(0, meanwhile.answers.length)).toEqual(meanwhile.answers);
      expect(after).toMatchObject({ status: "complete", healthy: true });
      const left = [
        ...(await readdir(join(disk.directory, "state"))),
        ...(await readdir(join(disk.directory, "backup"))),
      ];
      expect(left.filter((name) => name.startsWith(".tmp-") || name.endsWith(".journal"))).toEqual([]);
    },
  );

  test("becomes so in the middle of an answer: what was printed is there", async () => {
    if (disk === undefined) return;
    const chat = start(disk, ["chat", "--id", ID, "Once", "--json"], { DRAFTSTATE_OFFLINE_TOKEN_DELAY: "5" });
    await until(
      () => (chat.lines.length > 10 ? true : undefined),
      () => chat.stderr,
    );
    await disk.fill(0);
    await chat.ended();
    const text = printed(chat.lines.join("\n"));
    expect(text.length).toBeGreaterThan(0);
    // What lies in the journal's last page fits yet; then the disk is full.
    expect([0, 7]).toContain(chat.status);
    if (chat.status === 7) {
      expect(chat.stderr).toMatch(
        /disk is full: free some space \(ENOSPC\); then continue with: .*chat .*--resume tale$/m,
      );
      expect(chat.stderr).not.toMatch(/^warning: .*(?:free some space|:.*:.*:)/m);
    }
    const kept = (await seen(disk)).answers[0];
    expect(kept?.startsWith(text)).toBe(true);
    await disk.free();
    expect((await run(disk, ["chat", "-c", "Go on"])).status).toBe(0);
    expect((await seen(disk)).answers[0]).toBe(kept);
  });

  test("does not end an answer where there is a fallbackDir: it is shown from there, and brought home on the next start", async () => {
    if (disk === undefined) return;
    const env = { DRAFTSTATE_FALLBACK_DIR: join(home, "fallback") };
    expect((await run(disk, ["chat", "--id", ID, "Once"], env)).status).toBe(0);
    const full = start(disk, ["chat", "--resume", ID, "And then?", "--json"], {
      ...env,
      DRAFTSTATE_OFFLINE_TOKEN_DELAY: "5",
    });
    await until(
      () => (full.lines.length > 10 ? true : undefined),
      () => full.stderr,
    );
    await disk.fill(0);
    await full.ended();
    expect([full.status, full.stderr]).toEqual([0, expect.stringContaining("fallback")]);
    const told = printed(full.lines.join("\n"));
    for (const wanted of [ID, "ta", "@last"])
      expect(answers(await data<Shown>(disk, ["show", wanted], env))[1]).toBe(told);
    expect(await data<Row[]>(disk, ["ls"], env)).toEqual([
      expect.objectContaining({ conversationId: ID, messageCount: 4, status: "complete" }),
    ]);
    await disk.free();
    const back = await run(disk, ["chat", "-c", "Go on"], env);
    expect([back.status, back.stderr]).toEqual([0, expect.any(String)]);
    expect(
      await readdir(env.DRAFTSTATE_FALLBACK_DIR).then((names) => names.filter((name) => name.endsWith(".spill"))),
    ).toEqual([]);
    expect(await seen(disk)).toMatchObject({ answers: [expect.any(String), told, expect.any(String)], healthy: true });
  });
});

describe("a state directory", TIMEOUT, () => {
  test("that is read-only can be read; chat says so with exit 7, also in the middle of an answer", async () => {
    if (disk === undefined) return;
    const chat = start(disk, ["chat", "--id", ID, "Once", "--json"], { DRAFTSTATE_OFFLINE_TOKEN_DELAY: "5" });
    await until(
      () => (chat.lines.length > 10 ? true : undefined),
      () => chat.stderr,
    );
    await chat.kill();
    await disk.setReadOnly(true);
    const text = printed(chat.lines.join("\n"));
    expect(answers(await data<Shown>(disk, ["show", ID]))[0]?.startsWith(text)).toBe(true);
    expect(await data<Row[]>(disk, ["ls"])).toEqual([
      expect.objectContaining({ conversationId: ID, status: "interrupted" }),
    ]);
    expect((await run(disk, ["verify"])).status).toBe(0);
    const refused = await run(disk, ["chat", "--resume", ID, "Go on"]);
    expect([refused.status, refused.stderr]).toEqual([
      7,
      expect.stringContaining("read-only: choose another --state-dir"),
    ]);
    await disk.setReadOnly(false);
    expect((await run(disk, ["chat", "--resume", ID, "Go on"])).status).toBe(0);
    expect((await seen(disk)).answers[0]?.startsWith(text)).toBe(true);
  });

  test("that is removed in the middle of an answer is never an exit 0: what is not on disk is not said to be", async () => {
    const stateDir = join(home, "state");
    const chat = Victim.cli(
      ["chat", "--id", ID, "Once", "--json"],
      { DRAFTSTATE_OFFLINE_TOKEN_DELAY: "5", DRAFTSTATE_AUTO_SAVE_INTERVAL: "100000" },
      home,
    );
    await until(
      () => (chat.lines.length > 10 ? true : undefined),
      () => chat.stderr,
    );
    await rm(stateDir, { recursive: true, maxRetries: 20 });
    await chat.ended();
    // LOCKED where the journal was found gone before its directory was, and the lock with it; told by what it met first.
    expect([5, 7]).toContain(chat.status);
    expect(chat.stderr).toMatch(
      /it was removed while it was being written|\.\/state was there and is gone: bring it back/,
    );
  });

  test("that is removed in the middle of an answer is stood in for by a fallbackDir", async () => {
    const stateDir = join(home, "state");
    const env = { DRAFTSTATE_OFFLINE_TOKEN_DELAY: "5", DRAFTSTATE_FALLBACK_DIR: join(home, "fallback") };
    const chat = Victim.cli(["chat", "--id", ID, "Once", "--json"], env, home);
    await until(
      () => (chat.lines.length > 10 ? true : undefined),
      () => chat.stderr,
    );
    await rename(stateDir, `${stateDir}-gone`);
    await rm(`${stateDir}-gone`, { recursive: true });
    await chat.ended();
    expect([chat.status, chat.stderr]).toEqual([0, expect.stringContaining("fallback")]);
    await mkdir(stateDir, { recursive: true });
    const show = Victim.cli(["show", ID, "--json"], env, home);
    await show.ended();
    expect(answers(JSON.parse(show.lines.join("\n")) as Shown)).toEqual([printed(chat.lines.join("\n"))]);
  });
});
