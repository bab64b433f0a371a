/** LISTEN and NOTIFY: changes of other processes are told, also those that happened while the connection was cut. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { PostgresStorage } from "../../src/storage/postgres/index.js";
import type { Watcher } from "../../src/storage/storage.js";
import { until } from "../e2e/cli.js";
import { CuttingProxy } from "./cutting-proxy.js";
import { PostgresServer } from "./server.js";

let server: PostgresServer;
let proxy: CuttingProxy;
const opened: { close(): Promise<void> }[] = [];

beforeAll(async () => {
  server = PostgresServer.shared();
  proxy = await CuttingProxy.start(server.port);
});
afterEach(async () => {
  for (const each of opened.splice(0).reverse()) await each.close();
});
afterAll(async () => {
  await proxy.stop();
  await server.stop();
});

async function twoOn(schema: string): Promise<{ readonly writer: PostgresStorage; readonly reader: PostgresStorage }> {
  const writer = server.storage({ schema });
  const reader = server.storage({ schema, connectionString: server.url("postgres", proxy.port) });
  opened.push(writer, reader);
  await writer.prepare();
  return { writer, reader };
}

async function watched(storage: PostgresStorage): Promise<{ readonly names: string[]; readonly watcher: Watcher }> {
  const names: string[] = [];
  const watcher = await storage.watch("state", ({ key }) => names.push(key.name));
  opened.push(watcher);
  return { names, watcher };
}

const told = (names: readonly string[], name: string): Promise<unknown> =>
  until(
    () => (names.includes(name) ? true : undefined),
    () => `${name} in ${names.join(", ")}`,
  );

describe("watch", () => {
  test("tells of every kind of change in its area, of no other area, and of nothing once closed", async () => {
    const { writer, reader } = await twoOn(server.newSchema());
    const { names, watcher } = await watched(reader);
    await writer.replace({ area: "backup", name: "elsewhere" }, Buffer.from("x"));
    await writer.replace({ area: "state", name: "replaced" }, Buffer.from("x"));
    await told(names, "replaced");
    await writer.create({ area: "state", name: "created" }, Buffer.from("x"));
    await told(names, "created");
    const log = await writer.createLog({ area: "state", name: "log" });
    await told(names, "log");
    names.length = 0;
    await log.append(Buffer.from("x"));
    await told(names, "log");
    await writer.move({ area: "state", name: "created" }, { area: "trash", name: "moved" });
    await told(names, "created");
    names.length = 0;
    await writer.remove({ area: "state", name: "replaced" });
    await told(names, "replaced");
    expect(names).not.toContain("elsewhere");
    await watcher.close();
    names.length = 0;
    await writer.replace({ area: "state", name: "after" }, Buffer.from("x"));
    await writer.close();
    expect(names).toEqual([]);
  });

  test("tells after a cut of what came, changed and went meanwhile", async () => {
    const { writer, reader } = await twoOn(server.newSchema());
    await writer.replace({ area: "state", name: "going" }, Buffer.from("x"));
    const { names } = await watched(reader);
    proxy.cutNow();
    await writer.replace({ area: "state", name: "coming" }, Buffer.from("x"));
    await writer.remove({ area: "state", name: "going" });
    await told(names, "coming");
    await told(names, "going");
  });

  test("changes are told while many are made, at most once in a while each", async () => {
    const { writer, reader } = await twoOn(server.newSchema());
    const { names } = await watched(reader);
    const log = await writer.createLog({ area: "state", name: "log" });
    for (let append = 0; append < 200; append += 1) await log.append(Buffer.from("x"));
    await writer.replace({ area: "state", name: "last" }, Buffer.from("x"));
    await told(names, "last");
    expect(names.filter((name) => name === "log").length).toBeLessThan(150);
  });
});
