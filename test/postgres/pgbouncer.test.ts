/** Behind PgBouncer: session mode works, transaction mode is refused with what to do. Where the machine has PgBouncer. */
import { execFile, spawn, type ChildProcess } from "node:child_process";
import { chown, mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { createDraftStatePersistenceManager } from "../../src/create-manager.js";
import { until } from "../e2e/cli.js";
import { freePort, PostgresServer } from "./server.js";

const NOBODY = 65534;

async function hasPgBouncer(): Promise<boolean> {
  return promisify(execFile)("pgbouncer", ["--version"]).then(
    () => true,
    () => false,
  );
}

let server: PostgresServer;
let directory: string;
const children = new Set<ChildProcess>();

beforeAll(async () => {
  server = PostgresServer.shared();
  directory = await mkdtemp(join(tmpdir(), "draftstate-pgbouncer-"));
  if (process.getuid?.() === 0) await chown(directory, NOBODY, NOBODY);
});
afterEach(async () => {
  for (const child of children) {
    const ended = new Promise((exit) => child.once("exit", exit));
    child.kill("SIGKILL");
    await ended;
  }
  children.clear();
});
afterAll(async () => {
  await server.stop();
  await rm(directory, { recursive: true, force: true });
});

async function listens(port: number): Promise<boolean | undefined> {
  return new Promise((answer) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => {
      socket.destroy();
      answer(true);
    });
    socket.once("error", () => {
      answer(undefined);
    });
  });
}

/** Its URL. */
async function pooler(mode: string, poolSize: number): Promise<string> {
  const port = await freePort();
  await writeFile(join(directory, "users"), '"postgres" ""\n');
  const path = join(directory, `${mode}-${port}.ini`);
  await writeFile(
    path,
    `[databases]
postgres = host=127.0.0.1 port=${server.port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = trust
auth_file = ${directory}/users
pool_mode = ${mode}
default_pool_size = ${poolSize}
ignore_startup_parameters = extra_float_digits

`,
  );
  const asUser = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {};
  children.add(spawn("pgbouncer", [path], { ...asUser, cwd: directory, stdio: "ignore" }));
  await until(
    () => listens(port),
    () => "PgBouncer does not listen",
  );
  return server.url("postgres", port);
}

describe.runIf(await hasPgBouncer())("behind PgBouncer", () => {
  test("in session mode a store works", async () => {
    const storage = server.storage({ connectionString: await pooler("session", 20) });
    const manager = createDraftStatePersistenceManager({ storage, metrics: false });
    await manager.saveState("chat", { messages: [] });
    await manager.backup("chat");
    expect((await manager.list()).map(({ conversationId }) => conversationId)).toEqual(["chat"]);
    await manager.close();
    await storage.close();
  });

  test.each([1, 2, 20])(
    "in transaction mode with %d connections it is refused as STORAGE, and told why",
    async (poolSize) => {
      const retry = { attempts: 1, delay: 5, random: Math.random, onRetry: () => undefined };
      const storage = server.storage({
        connectionString: await pooler("transaction", poolSize),
        retry,
        statementTimeout: 3000,
      });
      const refused: unknown = await storage
        .prepare()
        .then(() => storage.tryLock("chat", new Date()))
        .catch((error: unknown) => error);
      expect(refused).toMatchObject({ code: "STORAGE" });
      expect(String(refused)).toMatch(/pooler in transaction mode.*session mode/);
      await storage.close();
    },
  );
});
