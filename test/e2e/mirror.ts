/**
 * A directory's state/ and backup/ beside a store on a PostgreSQL server: what a test put into the directory goes to the
 * server before a command, and what the command left there comes back after it. So a test that looks at files holds for
 * commands that only ever see the server.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { createLocalStorage } from "../../src/storage/index.js";
import { createPostgresStorage, type PostgresStorage } from "../../src/storage/postgres/index.js";
import { AREAS, type Key, type Storage } from "../../src/storage/storage.js";

export class Mirror {
  readonly #files: Storage;
  readonly #server: PostgresStorage;

  constructor(
    private readonly directory: string,
    connectionString: string,
    schema: string,
  ) {
    const { stateDir, backupDir } = { stateDir: join(directory, "state"), backupDir: join(directory, "backup") };
    this.#files = createLocalStorage({ stateDir, backupDir, command: "test" });
    this.#server = createPostgresStorage({ connectionString, schema, command: "test" });
  }

  async push(): Promise<void> {
    if (!existsSync(join(this.directory, "state"))) return;
    await this.#server.prepare();
    await makeAlike(this.#files, this.#server);
  }

  async pull(): Promise<void> {
    if (!(await this.#server.exists())) return;
    await this.#files.prepare();
    await makeAlike(this.#server, this.#files);
  }

  close(): Promise<void> {
    return this.#server.close();
  }
}

async function makeAlike(from: Storage, to: Storage): Promise<void> {
  for (const area of AREAS) {
    const [wanted, found] = [await namesIn(from, area), await namesIn(to, area)];
    for (const name of wanted) await copy(from, to, { area, name });
    for (const name of found) if (!wanted.includes(name)) await to.remove({ area, name });
  }
}

async function namesIn(storage: Storage, area: Key["area"]): Promise<string[]> {
  return (await storage.exists(area)) ? storage.list(area) : [];
}

async function copy(from: Storage, to: Storage, key: Key): Promise<void> {
  // Directories and links, which a server has none of.
  const content = await from.read(key).catch(() => undefined);
  if (content === undefined) return;
  const there = await to.read(key).catch(() => undefined);
  if (there === undefined || Buffer.compare(there, content) !== 0) await to.replace(key, content);
}
