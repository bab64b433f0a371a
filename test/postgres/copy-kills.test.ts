/**
 * `copy` to a server, killed in the middle again and again: what is there at any moment is whole or no conversation, the source stays
 * as it is, and the last run completes it. `DRAFTSTATE_POSTGRES_DEPTH=full` kills fifty times.
 */
import { afterAll, beforeAll, expect } from "vitest";
import { test, TIMEOUT } from "../cli/world.js";
import { createDraftStatePersistenceManager } from "../../src/create-manager.js";
import type { Storage } from "../../src/storage/storage.js";
import { join } from "node:path";
import { until, type Workspace } from "../e2e/cli.js";
import { PostgresServer } from "./server.js";

const DEEP = process.env["DRAFTSTATE_POSTGRES_DEPTH"] === "full";
const KILLS = DEEP ? 50 : 2;
const CONVERSATIONS = DEEP ? 120 : 10;

let server: PostgresServer;

beforeAll(() => {
  server = PostgresServer.shared();
});
afterAll(() => server.stop());

type Contents = Readonly<Record<string, string>>;

async function contents(storage: Storage): Promise<Contents> {
  const found: Record<string, string> = {};
  for (const area of ["state", "backup", "trash"] as const)
    for (const name of await storage.list(area))
      found[`${area}/${name}`] = Buffer.from((await storage.read({ area, name })) ?? "").toString("latin1");
  return found;
}

/** Snapshots that say that the conversation is not there as a whole are none. */
function withoutUnfinished(found: Contents): Contents {
  return Object.fromEntries(Object.entries(found).filter(([, bytes]) => !bytes.startsWith('{"unfinished"')));
}

/** With backups, some removed, one of several parts. */
async function filled(workspace: Workspace): Promise<() => Promise<Contents>> {
  const [stateDir, backupDir] = [join(workspace.directory, "files/state"), join(workspace.directory, "files/backup")];
  const options = { stateDir, backupDir, durability: "relaxed", metrics: false, autoSave: false } as const;
  const manager = createDraftStatePersistenceManager(options);
  for (let index = 0; index < CONVERSATIONS; index += 1) {
    const content = index === 3 ? "long ".repeat(DEEP ? 500_000 : 250_000) : `Hello ${index}`;
    await manager.saveState(`chat-${index}`, { currentNarrative: content });
    await manager.backup(`chat-${index}`);
    if (index % 5 === 4) await manager.remove(`chat-${index}`);
  }
  await manager.close();
  return () => contents(createDraftStatePersistenceManager(options).storage);
}

test(
  `killed ${KILLS} times and run once more, it is all there`,
  { timeout: DEEP ? 900_000 : TIMEOUT.timeout },
  async ({ workspace }) => {
    const schema = server.newSchema();
    const source = await filled(workspace);
    const expected = await source();
    const total = Object.keys(expected).length;
    const storage = server.storage({ schema });
    const target = createDraftStatePersistenceManager({ storage, metrics: false });
    await storage.prepare();
    const copied = async (): Promise<number> =>
      Number((await server.query(`select count(*) as count from ${schema}.entries`))[0]?.["count"]);
    const args = ["copy", "--from", "files", "--to", `${server.url()}?schema=${schema}`];
    for (let kill = 0; kill < KILLS; kill += 1) {
      const before = await copied();
      // Spread over all of it, and not at the same place twice.
      const at = before + Math.floor(Math.random() * Math.max(1, ((total - before) * 2) / (KILLS - kill)));
      const running = workspace.start(args);
      let hasEnded = false;
      void running.ended.then(() => (hasEnded = true));
      await until(
        async () => (hasEnded || (await copied()) >= Math.min(at, total) ? true : undefined),
        () => "nothing is copied",
      );
      await running.end("SIGKILL");
      // First: what was under way on the server when its client died may still arrive.
      const listed = await target.list();
      const found = withoutUnfinished(await contents(storage));
      for (const [name, bytes] of Object.entries(found)) expect([name, bytes === expected[name]]).toEqual([name, true]);
      // What is listed as a conversation has all of its files, or says that it lacks them.
      const whole = new Set(Object.keys(expected).filter((name) => found[name] !== undefined));
      for (const { conversationId, error } of listed) {
        if (error !== undefined) continue;
        const files = Object.keys(expected).filter((name) => /^\w+\/([\w-]+?)[._]/.exec(name)?.[1] === conversationId);
        expect([conversationId, files.filter((name) => !whole.has(name))]).toEqual([conversationId, []]);
      }
    }
    const last = await workspace.run(args);
    expect([last.status, last.stderr]).toEqual([0, expect.stringMatching(/copied/)]);
    expect(await contents(storage)).toEqual(expected);
    expect(await source()).toEqual(expected);
    expect((await target.verify()).problems).toEqual([]);
    const [left] = await server.query(
      `select (select count(*)::int from ${schema}.parts p where not exists (select 1 from ${schema}.entries e where e.blob = p.blob)) as orphans,
       (select count(*)::int from ${schema}.staged) as staged, (select count(*)::int from ${schema}.locks) as locks`,
    );
    expect(left).toEqual({ orphans: 0, staged: 0, locks: 0 });
    await target.close();
    await storage.close();
  },
);
