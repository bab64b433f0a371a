/**
 * Real processes that see different host names, on one store: every update counts, and a paused owner whose connections the
 * server ended can write nothing once another has taken over.
 */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { createDraftStatePersistenceManager } from "../../src/create-manager.js";
import type { PostgresStorage } from "../../src/storage/postgres/index.js";
import { toldBy } from "../process/told-tokens.js";
import { Victim } from "../process/victim.js";
import { PostgresServer } from "./server.js";

const DEEP = process.env["DRAFTSTATE_POSTGRES_DEPTH"] === "full";
const [PROCESSES, UPDATES] = DEEP ? [16, 50] : [4, 6];

let server: PostgresServer;
const victims = new Set<Victim>();
const storages = new Set<PostgresStorage>();

beforeAll(async () => {
  server = await PostgresServer.start({ fsync: "off" });
});
afterEach(async () => {
  for (const victim of victims) await victim.kill();
  for (const storage of storages) await storage.close();
  victims.clear();
  storages.clear();
});
afterAll(() => server.stop());

function managerOn(schema: string) {
  const storage = server.storage({ schema });
  storages.add(storage);
  return createDraftStatePersistenceManager({ storage, autoSave: false, metrics: false });
}

function start(program: string, orders: object, host: string): Victim {
  const victim = Victim.program(program, orders, host);
  victims.add(victim);
  return victim;
}

describe(`${PROCESSES} processes on ${PROCESSES} hosts with ${UPDATES} updates each`, { timeout: 600_000 }, () => {
  test.each([
    ["which open it anew for each", false],
    ["which hold it for all of theirs", true],
  ])("%s, lose none", async (_name, keepOpen) => {
    const schema = server.newSchema();
    const orders = {
      id: "shared",
      updates: UPDATES,
      keepOpen,
      settings: { lockTimeout: 500_000, autoSave: false, metrics: false },
      postgres: { connectionString: server.url(), schema },
    };
    const counters = Array.from({ length: PROCESSES }, (_, index) => start("counter", orders, `host-${index}`));
    await Promise.all(counters.map((counter) => counter.ended()));
    expect(counters.map((counter) => [counter.status, counter.stderr])).toEqual(counters.map(() => [0, ""]));
    const manager = managerOn(schema);
    expect(await manager.loadState("shared")).toMatchObject({ count: PROCESSES * UPDATES });
    expect((await manager.verify()).problems).toEqual([]);
    await manager.close();
  });
});

describe("an owner on another host", { timeout: 120_000 }, () => {
  const orders = (schema: string, more: object = {}) => ({
    id: "chat",
    tokens: 100_000,
    foldEvery: 0,
    backupEvery: 0,
    pruneEvery: 0,
    pause: 2,
    settings: { metrics: false },
    postgres: { connectionString: server.url(), schema, ...more },
  });

  test("that is killed is followed at once by one that has all that was acknowledged", async () => {
    const schema = server.newSchema();
    const owner = start("streamer", orders(schema), "far-away");
    expect(await owner.says("ack 50")).toBe(true);
    await owner.kill();
    const manager = managerOn(schema);
    const conversation = await manager.open("chat", { expect: "existing", lockTimeout: 5000 });
    expect(owner.acknowledged.filter((revision) => !toldBy(conversation.state).revisions.has(revision))).toEqual([]);
    await manager.close();
  });

  test("is named to a contender: command, pid, host and start time", async () => {
    const schema = server.newSchema();
    const owner = start("streamer", orders(schema, { command: "draftstate chat" }), "far-away");
    expect(await owner.says("ack 3")).toBe(true);
    const manager = managerOn(schema);
    const refused = await manager.open("chat", { lockTimeout: 0 }).catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: "LOCKED" });
    expect(String(refused)).toMatch(
      new RegExp(
        `draftstate chat \\(pid ${owner.pid} on far-away, started \\d{4}-\\d\\d-\\d\\dT[0-9:.]+Z\\) has it open since \\d{4}`,
      ),
    );
    await manager.close();
  });

  test("that was paused, and whose connections the server ended, writes nothing once another has taken over", async () => {
    const schema = server.newSchema();
    const owner = start("streamer", orders(schema), "far-away");
    expect(await owner.says("ack 50")).toBe(true);
    owner.signal("SIGSTOP");
    await server.query(
      "select pg_terminate_backend(pid, 5000) from pg_stat_activity where application_name like 'draftstate%'",
    );
    const manager = managerOn(schema);
    const conversation = await manager.open("chat", { expect: "existing", lockTimeout: 5000 });
    expect(owner.acknowledged.filter((revision) => !toldBy(conversation.state).revisions.has(revision))).toEqual([]);
    conversation.update((draft) => {
      draft.currentNarrative = "the second owner's";
    });
    await conversation.flush();
    const before = await contents(schema);
    owner.signal("SIGCONT");
    await owner.ended();
    expect(owner.lines.at(-1)).toMatch(/^error LOCKED/);
    expect(await contents(schema)).toEqual(before);
    await manager.close();
  });
});

/** Every row that a conversation is made of. */
async function contents(schema: string): Promise<unknown> {
  return [
    await server.query(`select area, name, version, blob, bytes from ${schema}.entries order by area, name`),
    await server.query(`select blob, ends, bytes from ${schema}.parts order by blob, ends`),
  ];
}
