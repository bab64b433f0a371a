/** The command line on a server with --store and DRAFTSTATE_STORE: the same words and exit statuses; and `copy`. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect } from "vitest";
import type { Workspace } from "../e2e/cli.js";
import { test, TIMEOUT } from "../cli/world.js";
import { PostgresServer } from "./server.js";

let server: PostgresServer;

beforeAll(() => {
  server = PostgresServer.shared();
});
afterAll(() => server.stop());

/** Runs commands of one workspace on one schema. */
function on(workspace: Workspace, store: string) {
  return async (...args: readonly string[]): Promise<string> => {
    const { status, stdout, stderr } = await workspace.run(["--store", store, ...args], {
      env: { DRAFTSTATE_OFFLINE_TOKEN_DELAY: "0" },
    });
    expect([args, status, stderr]).toEqual([args, 0, expect.any(String)]);
    return stdout;
  };
}

const storeOf = (schema: string, user = "postgres"): string => `${server.url(user)}?schema=${schema}`;

describe("with --store", TIMEOUT, () => {
  test("conversations are had, looked at, taken back, removed and brought back on a server", async ({ workspace }) => {
    const run = on(workspace, storeOf(server.newSchema()));
    await run("chat", "Tell me a story", "--id", "tale");
    await run("chat", "And then?", "--resume", "tale");
    await run("backup", "tale", "--tag", "before");
    expect(JSON.parse(await run("ls", "--json"))).toMatchObject([
      { conversationId: "tale", messageCount: 4, status: "complete" },
    ]);
    expect(await run("show", "tale")).toContain("Tell me a story");
    expect(await run("search", "story")).toContain("tale");
    await run("restore", "tale", "--backup", "@2", "--yes");
    expect(JSON.parse(await run("ls", "--json"))).toMatchObject([{ messageCount: 2 }]);
    await run("undo", "--yes");
    expect(JSON.parse(await run("ls", "--json"))).toMatchObject([{ messageCount: 4 }]);
    await run("fork", "tale", "other");
    await run("rename", "other", "A title");
    await run("rm", "other", "--yes");
    await run("undo", "other", "--yes");
    await run("diff", "tale");
    await run("export", "tale");
    await run("prune", "--max", "1", "--yes");
    await run("repair", "tale");
    await run("migrate");
    expect(await run("verify", "--json")).toContain('"ok": true');
    expect(JSON.parse(await run("health", "--json"))).toMatchObject({
      status: expect.stringMatching(/ok|warn/) as string,
    });
    await run("stats");
    expect(await run("backups", "tale")).toContain("20");
    expect(["state", "backup"].filter((name) => existsSync(join(workspace.directory, name)))).toEqual([]);
  });

  test("a store that is not there is not found, one that cannot be reached is exit status 7, and no password is printed", async ({
    workspace,
  }) => {
    const store = storeOf(server.newSchema(), "postgres:s3cret");
    const [missing, config] = [
      await workspace.run(["ls"], { env: { DRAFTSTATE_STORE: store } }),
      await workspace.run(["config"], { env: { DRAFTSTATE_STORE: store } }),
    ];
    const away = await workspace.run(["ls"], {
      env: { DRAFTSTATE_RETRY_ATTEMPTS: "0", DRAFTSTATE_STORE: "postgresql://u:s3cret@127.0.0.1:1/d" },
    });
    const listed = await workspace.run(["--store", store, "ls"]);
    expect([missing.status, config.status, away.status, listed.status]).toEqual([3, 0, 7, 2]);
    for (const { stdout, stderr } of [missing, config, away, listed]) expect(stdout + stderr).not.toContain("s3cret");
  });

  test("a directory that holds state/ and backup/ is a store", async ({ workspace }) => {
    const run = on(workspace, "kept");
    await run("chat", "Hello", "--id", "tale");
    expect(existsSync(join(workspace.directory, "kept/state/tale.json"))).toBe(true);
    expect(await run("ls")).toContain("tale");
  });
});

describe("copy", TIMEOUT, () => {
  test("takes conversations there and back, says what it did, and fails where one differs", async ({ workspace }) => {
    const store = storeOf(server.newSchema());
    const files = on(workspace, "files");
    await files("chat", "Hello", "--id", "one");
    await files("chat", "Hello", "--id", "two");
    const there = await workspace.run(["copy", "--from", "files", "--to", store, "--json"]);
    expect([there.status, JSON.parse(there.stdout)]).toMatchObject([
      0,
      { copied: [{ conversationId: "one", outcome: "copied" }, { conversationId: "two" }], failed: [] },
    ]);
    const back = await workspace.run(["copy", "--from", store, "--to", "back", "one"]);
    expect([back.status, back.stderr]).toEqual([0, expect.stringContaining("1 conversation copied")]);
    expect(existsSync(join(workspace.directory, "back/state/one.json"))).toBe(true);
    const env = { DRAFTSTATE_STORE: storeOf(server.newSchema()), DRAFTSTATE_OFFLINE_TOKEN_DELAY: "0" };
    await workspace.run(["chat", "Of another store", "--id", "three"], { env });
    const beside = await workspace.run(["copy", "--from", "files", "--to", "beside", "--json"], { env });
    expect([beside.status, JSON.parse(beside.stdout)]).toMatchObject([
      0,
      { copied: [{ conversationId: "one" }, { conversationId: "two" }] },
    ]);
    await on(workspace, store)("chat", "More", "--resume", "one");
    const again = await workspace.run(["copy", "--from", "files", "--to", store, "--json"]);
    expect([again.status, JSON.parse(again.stdout)]).toMatchObject([
      2,
      {
        copied: [{ conversationId: "two", outcome: "identical" }],
        failed: [{ conversationId: "one", code: "INVALID_ID" }],
      },
    ]);
  });
});
