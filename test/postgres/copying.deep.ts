/** `copy` to a server by two processes at once, and to one that goes away in the middle: what ends well is whole, and the next run completes it. */
import { join } from "node:path";
import { afterAll, beforeAll, expect } from "vitest";
import { createDraftStatePersistenceManager } from "../../src/create-manager.js";
import type { Storage } from "../../src/storage/storage.js";
import { test, TIMEOUT } from "../cli/world.js";
import { until, type Workspace } from "../e2e/cli.js";
import { PostgresServer } from "./server.js";

const CONVERSATIONS = 60;

let server: PostgresServer;

beforeAll(async () => {
  server = await PostgresServer.start();
});
afterAll(() => server.stop());

async function contents(storage: Storage): Promise<Readonly<Record<string, string>>> {
  const found: Record<string, string> = {};
  for (const area of ["state", "backup", "trash"] as const)
    for (const name of await storage.list(area))
      found[`${area}/${name}`] = Buffer.from((await storage.read({ area, name })) ?? "").toString("latin1");
  return found;
}

/** Each with a backup. */
async function filled({ directory }: Workspace): Promise<Readonly<Record<string, string>>> {
  const [stateDir, backupDir] = [join(directory, "files/state"), join(directory, "files/backup")];
  const options = { stateDir, backupDir, durability: "relaxed", metrics: false, autoSave: false } as const;
  const manager = createDraftStatePersistenceManager(options);
  for (let index = 0; index < CONVERSATIONS; index += 1) {
    await manager.saveState(`chat-${index}`, {
      currentNarrative: `Hello ${index} `.repeat(index === 3 ? 300_000 : 50),
    });
    await manager.backup(`chat-${index}`);
  }
  await manager.close();
  return contents(manager.storage);
}

async function expectWhole(schema: string, expected: Readonly<Record<string, string>>): Promise<void> {
  const storage = server.storage({ schema });
  const target = createDraftStatePersistenceManager({ storage, metrics: false });
  expect(await contents(storage)).toEqual(expected);
  expect((await target.verify()).problems).toEqual([]);
  await target.close();
  await storage.close();
  const [left] = await server.query(
    `select (select count(*)::int from ${schema}.parts p where not exists (select 1 from ${schema}.entries e where e.blob = p.blob)) as orphans,
     (select count(*)::int from ${schema}.staged) as staged, (select count(*)::int from ${schema}.locks) as locks`,
  );
  expect(left).toEqual({ orphans: 0, staged: 0, locks: 0 });
}

test(
  "by three processes at once copies each conversation once, and the next finds all of it there",
  TIMEOUT,
  async ({ workspace }) => {
    const schema = server.newSchema();
    const expected = await filled(workspace);
    const args = ["copy", "--from", "files", "--to", `${server.url()}?schema=${schema}`];
    const runs = await Promise.all([workspace.run(args), workspace.run(args), workspace.run(args)]);
    // What another was at is told as locked or found identical: never as a difference.
    for (const { status, stderr } of runs) {
      expect([0, 5]).toContain(status);
      expect(stderr).not.toMatch(/differ|damaged/);
    }
    const last = await workspace.run(args);
    expect(last.status).toBe(0);
    await expectWhole(schema, expected);
  },
);

test(
  "to a server that crashes in the middle and starts again is completed by the next run at the latest",
  TIMEOUT,
  async ({ workspace }) => {
    const schema = server.newSchema();
    const expected = await filled(workspace);
    const store = `${server.url()}?schema=${schema}`;
    const args = ["copy", "--from", "files", "--to", store];
    const storage = server.storage({ schema });
    await storage.prepare();
    await storage.close();
    const running = workspace.start(args);
    for (const share of [1, 2, 3]) {
      await until(
        async () =>
          Number((await server.query(`select count(*) as count from ${schema}.entries`))[0]?.["count"]) >=
          (CONVERSATIONS * share) / 2
            ? true
            : undefined,
        () => "nothing is copied",
      );
      await server.crash();
      await new Promise((resolve) => setTimeout(resolve, 300));
      await server.begin();
    }
    const { status, stderr } = await running.ended;
    // A conversation whose lock went with the connection is told, and copied by the next run.
    expect([status, status === 0 || stderr.includes("run the command again")]).toEqual([status === 0 ? 0 : 7, true]);
    expect((await workspace.run(args)).status).toBe(0);
    await expectWhole(schema, expected);
  },
);

test("to a server that stays away ends with 7, and the next run completes it", TIMEOUT, async ({ workspace }) => {
  const schema = server.newSchema();
  const expected = await filled(workspace);
  const args = ["copy", "--from", "files", "--to", `${server.url()}?schema=${schema}`];
  const storage = server.storage({ schema });
  await storage.prepare();
  await storage.close();
  const running = workspace.start(args);
  await until(
    async () =>
      Number((await server.query(`select count(*) as count from ${schema}.entries`))[0]?.["count"]) >= CONVERSATIONS
        ? true
        : undefined,
    () => "nothing is copied",
  );
  await server.crash();
  const { status } = await running.ended;
  await server.begin();
  expect(status).toBe(7);
  expect((await workspace.run(args)).status).toBe(0);
  await expectWhole(schema, expected);
});
