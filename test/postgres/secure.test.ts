/** TLS as the URL asks for it, and passwords from every place that they may come from: never printed, whatever is refused. */
import { execFile } from "node:child_process";
import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { inspect, promisify } from "node:util";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { createDraftStatePersistenceManager } from "../../src/create-manager.js";
import { createPostgresStorage, type PostgresStorage } from "../../src/storage/postgres/index.js";
import { Workspace } from "../e2e/cli.js";
import { PostgresServer } from "./server.js";

const PASSWORD = "s3cret-of-the-test";
const KEY = { area: "state", name: "chat.json" } as const;
const fixture = (name: string): string => fileURLToPath(new URL(`../fixtures/tls/${name}`, import.meta.url));

let server: PostgresServer;
let plain: PostgresServer;
let directory: string;
const opened: PostgresStorage[] = [];

beforeAll(async () => {
  [server, plain, directory] = await Promise.all([
    PostgresServer.start(
      { fsync: "off", ssl: "on", ssl_cert_file: "../tls.pem", ssl_key_file: "../tls.key", hba_file: "hba" },
      {
        "tls.pem": await readFile(fixture("server.pem"), "utf8"),
        "tls.key": await readFile(fixture("server.key"), "utf8"),
        hba: "host all postgres 127.0.0.1/32 trust\nhostssl all guarded 127.0.0.1/32 scram-sha-256\n",
      },
    ),
    PostgresServer.start({ fsync: "off" }),
    mkdtemp(join(tmpdir(), "draftstate-secure-")),
  ]);
  await server.query(`create role guarded login superuser password '${PASSWORD}'`);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  for (const storage of opened.splice(0)) await storage.close();
});
afterAll(async () => {
  await server.stop();
  await plain.stop();
  await rm(directory, { recursive: true, force: true });
});

const urlOf = (user: string, more: string, host = "localhost", { port } = server): string =>
  `postgresql://${user}@${host}:${port}/postgres?${more}`;
const VERIFIED = `sslmode=verify-full&sslrootcert=${fixture("ca.pem")}`;

function storageFor(connectionString: string): PostgresStorage {
  const retry = { attempts: 3, delay: 1, random: Math.random, onRetry: () => retries.push(connectionString) };
  const storage = createPostgresStorage({ connectionString, schema: server.newSchema(), retry });
  opened.push(storage);
  return storage;
}
const retries: string[] = [];

async function refusal(connectionString: string): Promise<string> {
  retries.length = 0;
  const refused: unknown = await storageFor(connectionString)
    .prepare()
    .then(() => expect.unreachable("it was let in"))
    .catch((error: unknown) => error);
  expect(refused).toMatchObject({ code: "STORAGE" });
  // What no waiting changes is not tried again.
  expect(retries).toEqual([]);
  expect(inspect(refused, { depth: 20, showHidden: true })).not.toContain(PASSWORD);
  return String(refused);
}

describe("sslmode=verify-full", () => {
  test("with the CA of the server works, and everything goes through TLS", async () => {
    const storage = storageFor(urlOf("postgres", VERIFIED));
    await storage.prepare();
    await storage.replace(KEY, Buffer.from("x"));
    const found = await server.query<{ ssl: boolean }>(
      "select ssl from pg_stat_ssl join pg_stat_activity using (pid) where application_name = 'draftstate'",
    );
    expect(found).toEqual(found.map(() => ({ ssl: true })));
    expect(found.length).toBeGreaterThan(0);
  });

  test.each<[string, () => string, RegExp]>([
    [
      "a CA that is not the server's",
      () => `sslmode=verify-full&sslrootcert=${fixture("other-ca.pem")}`,
      /CA that is not known here.*sslrootcert/,
    ],
    ["no CA of one's own", () => "sslmode=verify-full", /CA that is not known here.*sslrootcert/],
  ])("refuses with %s", async (_what, more, words) => {
    expect(await refusal(urlOf("postgres", more()))).toMatch(words);
  });

  test("refuses a host that the certificate does not name", async () => {
    expect(await refusal(urlOf("postgres", VERIFIED, "127.0.0.1"))).toMatch(/certificate is for another host/);
  });

  test("refuses a server without TLS, and never falls back", async () => {
    expect(await refusal(urlOf("postgres", VERIFIED, "127.0.0.1", plain))).toMatch(/offers no TLS/);
  });
});

/** Of the whole file: `pg` says a thing once in a process. */
const warnings: string[] = [];
const warned = (warning: Error): void => void warnings.push(warning.message);
beforeAll(() => void process.on("warning", warned));
afterAll(() => void process.off("warning", warned));

describe("the password", () => {
  const passfile = async (mode: number): Promise<string> => {
    const path = join(directory, `pgpass-${mode}`);
    await writeFile(path, `localhost:${server.port}:*:guarded:${PASSWORD}\n`);
    await chmod(path, mode);
    return path;
  };

  test.each<[string, () => Promise<string>]>([
    ["the URL", async () => urlOf(`guarded:${PASSWORD}`, VERIFIED)],
    ["PGPASSWORD", async () => (vi.stubEnv("PGPASSWORD", PASSWORD), urlOf("guarded", VERIFIED))],
    [".pgpass", async () => (vi.stubEnv("PGPASSFILE", await passfile(0o600)), urlOf("guarded", VERIFIED))],
  ])("comes from %s", async (_where, url) => {
    const storage = storageFor(await url());
    await storage.prepare();
    await storage.replace(KEY, Buffer.from("x"));
    expect(storage.identity).toMatch(/^postgresql:\/\/localhost:\d+\/postgres\/test_\d+$/);
    expect(inspect(storage, { depth: 20, showHidden: true })).not.toContain(PASSWORD);
  });

  test.each([
    [0o600, "localhost:*:*:guarded", true],
    [0o600, "*:1:*:guarded", false],
    [0o600, "*:*:other:guarded", false],
    [0o600, "*:*:*:nobody", false],
    [0o600, "#*:*:*:guarded", false],
    [0o644, "*:*:*:guarded", false],
  ])(
    "in a file of mode %o is that of the first line that fits: %s is %s, without a warning",
    async (mode, line, fits) => {
      const path = join(directory, `pgpass-${mode}-${line.replaceAll(/\W/g, "_")}`);
      await writeFile(path, `db.example:5432:*:guarded:wrong\n${line}:${PASSWORD.replaceAll(/[:\\]/g, "\\$&")}\n`);
      await chmod(path, mode);
      vi.stubEnv("PGPASSFILE", path);
      const storage = storageFor(urlOf("guarded", VERIFIED));
      const outcome = await storage.prepare().then(
        () => true,
        () => false,
      );
      await new Promise((resolve) => setImmediate(resolve));
      expect([outcome, warnings]).toEqual([fits, []]);
    },
  );

  test("that is wrong is refused with where it may come from", async () => {
    expect(await refusal(urlOf("guarded:not-it", VERIFIED))).toMatch(/password was refused.*PGPASSWORD or \.pgpass/);
    expect(await refusal(urlOf(`guarded:${PASSWORD}-x`, VERIFIED))).toMatch(/password was refused/);
  });

  test("is in nothing that the command prints, with --verbose too, nor in what it keeps", async () => {
    const workspace = await Workspace.create();
    const store = `${urlOf(`guarded:${PASSWORD}`, VERIFIED)}&schema=${server.newSchema()}`;
    const env = { DRAFTSTATE_STORE: store, DRAFTSTATE_OFFLINE_TOKEN_DELAY: "0" };
    const wrong = { ...env, DRAFTSTATE_STORE: store.replace(PASSWORD, `${PASSWORD}-x`) };
    const results = [
      await workspace.run(["chat", "Hello", "--id", "tale"], { env }),
      ...(await Promise.all(
        [["config"], ["config", "--json"], ["health"], ["stats", "--prometheus"]].map((args) =>
          workspace.run(args, { env }),
        ),
      )),
    ];
    const refused = await workspace.run(["ls", "--verbose"], { env: wrong });
    expect([results.map(({ status }) => status), refused.status]).toEqual([[0, 0, 0, 0, 0], 7]);
    expect(refused.stderr).toMatch(/password was refused[^]+ at /);
    for (const { stdout, stderr } of [...results, refused]) expect(stdout + stderr).not.toContain(PASSWORD);
    const rows = await server.query<{ text: string }>(
      `select encode(bytes, 'escape') as text from ${store.split("schema=")[1]}.entries`,
    );
    expect(rows.map(({ text }) => text).join("")).not.toContain(PASSWORD);
    await workspace.remove();
  });
});

test("the password is not to be read of a running command: neither in the list of processes, on the server, nor of its lock", async () => {
  const workspace = await Workspace.create();
  const schema = server.newSchema();
  const bare = `${urlOf("guarded", VERIFIED)}&schema=${schema}`;
  const store = bare.replace("guarded", `guarded:${PASSWORD}`);
  const env = { DRAFTSTATE_STORE: store, DRAFTSTATE_OFFLINE_TOKEN_DELAY: "200", DRAFTSTATE_LOCK_TIMEOUT: "0" };
  const running = workspace.start(["chat", "Hello", "--id", "tale", "--json"], { env });
  await running.shows("token");
  const seen = [
    (await promisify(execFile)("ps", ["-A", "-o", "args"])).stdout,
    JSON.stringify(await server.query("select application_name, query from pg_stat_activity")),
    JSON.stringify(await server.query(`select * from ${schema}.locks`)),
  ];
  const refused = await workspace.run(["--verbose", "chat", "More", "--resume", "tale"], { env });
  expect([refused.status, refused.stderr]).toEqual([5, expect.stringMatching(/draftstate chat \(pid \d+ on /)]);
  const ended = await running.end("SIGINT");
  await workspace.run(["--store", "files", "chat", "Hello", "--id", "other"]);
  const copied = await workspace.run(["--verbose", "copy", "--from", "files", "--to", bare, "--json"], {
    env: { PGPASSWORD: PASSWORD },
  });
  expect([copied.status, JSON.parse(copied.stdout)]).toMatchObject([0, { failed: [] }]);
  const onTheCommandLine = [
    await workspace.run(["--store", store, "ls"]),
    await workspace.run(["copy", "--from", "files", "--to", store]),
  ];
  for (const { status, stderr } of onTheCommandLine)
    expect([status, stderr]).toEqual([2, expect.stringMatching(/no password in it.*PGPASSWORD or ~\/\.pgpass/)]);
  for (const { stdout, stderr } of [refused, ended, copied, ...onTheCommandLine]) seen.push(stdout, stderr);
  expect(seen[1]).toMatch(/draftstate locks/);
  expect(seen.join("\n")).not.toContain(PASSWORD);
  await workspace.remove();
});

test("health tells of the server and its tables, and fails with where it was where it is away; what is tried again is told", async () => {
  const away = await PostgresServer.start({ fsync: "off" });
  const retry = { attempts: 1, delay: 1, random: Math.random, onRetry: () => undefined };
  const storage = away.storage({ retry });
  const manager = createDraftStatePersistenceManager({ storage, metrics: false });
  await manager.saveState("chat", { messages: [] });
  const told: string[] = [];
  manager.on("retry", ({ operation }) => told.push(operation));
  const serverOf = async () => (await manager.health()).checks.find(({ name }) => name === "server");
  expect(await serverOf()).toMatchObject({
    status: "ok",
    detail: expect.stringMatching(/^PostgreSQL \d+.*, answers in \d+ ms; .*entries \d.* MiB/) as string,
  });
  expect(told).toEqual([]);
  await away.crash();
  expect(await serverOf()).toMatchObject({ status: "fail", detail: expect.stringMatching(/out of reach/) as string });
  expect(told).toContain("read");
  await manager.close().catch(() => undefined);
  await storage.close();
  await away.stop();
});
