/**
 * A directory's state/ and backup/ beside a store on a PostgreSQL server: what a test changed in the directory since the last
 * look goes to the server before a command, and what is new there comes back after it. So a test that looks at files holds for
 * commands that only ever see the server, also while another command runs.
 */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { createPostgresStorage, type PostgresStorage } from "../../src/storage/postgres/index.js";
import { AREAS, type Area, type Key } from "../../src/storage/storage.js";

const PUT = fileURLToPath(new URL("put-on-server.mjs", import.meta.url));

interface Edit {
  readonly key: Key;
  /** Undefined where it was removed. */
  readonly content: Buffer | undefined;
}

interface Known {
  readonly content: Buffer;
  /** Undefined until it was looked up on the server. */
  readonly version: string | undefined;
}

export class Mirror {
  readonly #server: PostgresStorage;
  readonly #known = new Map<string, Known>();
  /** One pull after another. */
  #last: Promise<void> = Promise.resolve();
  #isClosed = false;

  constructor(
    private readonly directory: string,
    private readonly connectionString: string,
    private readonly schema: string,
  ) {
    this.#server = createPostgresStorage({ connectionString, schema, command: "test" });
  }

  prepare(): Promise<void> {
    return this.#server.prepare();
  }

  async push(): Promise<void> {
    const edits = this.#edits();
    for (const { key, content } of edits) {
      if (content === undefined) await this.#server.remove(key);
      else await this.#server.replace(key, content);
    }
  }

  /** The same, done when it returns. */
  pushNow(): void {
    const changes = this.#edits().map(({ key, content }) => ({ key, content: content?.toString("base64") ?? null }));
    if (changes.length === 0) return;
    const { connectionString, schema } = this;
    execFileSync(process.execPath, [PUT], { input: JSON.stringify({ connectionString, schema, changes }) });
  }

  pull(): Promise<void> {
    const pulled = this.#last.then(() => this.#pull());
    this.#last = pulled.catch(() => undefined);
    return pulled;
  }

  close(): Promise<void> {
    this.#isClosed = true;
    return this.#last.then(() => this.#server.close());
  }

  async #pull(): Promise<void> {
    if (this.#isClosed || !(await this.#server.exists())) return;
    const found = new Map<
      string,
      { readonly key: Key; readonly version: string; readonly content: Buffer | undefined }
    >();
    for (const area of AREAS)
      for (const name of await this.#server.list(area)) {
        const key: Key = { area, name };
        const version = (await this.#server.stat(key))?.version;
        if (version === undefined) continue;
        const isNew = this.#known.get(pathOf(key))?.version !== version;
        const content = isNew ? await this.#server.read(key).catch(() => undefined) : undefined;
        found.set(pathOf(key), { key, version, content: content === undefined ? undefined : Buffer.from(content) });
      }
    if (this.#isClosed || !existsSync(this.directory)) return;
    // From here on in one go: what a test changed meanwhile is told from what came.
    for (const area of AREAS) mkdirSync(this.#directoryOf(area), { recursive: true, mode: 0o700 });
    for (const path of this.#known.keys()) if (!found.has(path)) this.#take(path, undefined);
    for (const [path, { version, content }] of found) if (content !== undefined) this.#take(path, { version, content });
  }

  #take(path: string, came: Known | undefined): void {
    const before = this.#known.get(path);
    if (came === undefined) {
      this.#known.delete(path);
      rmSync(join(this.directory, path), { force: true });
      return;
    }
    this.#known.set(path, came);
    if (before?.content.equals(came.content) === true) return;
    mkdirSync(dirname(join(this.directory, path)), { recursive: true, mode: 0o700 });
    writeFileSync(join(this.directory, path), came.content, { mode: 0o600 });
  }

  /** What differs in the directory from what was last seen on both sides; from here on it is known. */
  #edits(): Edit[] {
    const found = new Map(AREAS.flatMap((area) => this.#filesIn(area)).map((edit) => [pathOf(edit.key), edit]));
    const edits: Edit[] = [];
    for (const [path, { key, content }] of found) {
      if (this.#known.get(path)?.content.equals(content) === true) continue;
      edits.push({ key, content });
      this.#known.set(path, { content, version: undefined });
    }
    for (const path of [...this.#known.keys()]) {
      const key = keyOf(path);
      if (found.has(path) || key === undefined) continue;
      edits.push({ key, content: undefined });
      this.#known.delete(path);
    }
    return edits;
  }

  #directoryOf(area: Area): string {
    return join(this.directory, FOLDERS[area]);
  }

  /** Without directories and links, which a server has none of. */
  #filesIn(area: Area): { readonly key: Key; readonly content: Buffer }[] {
    const directory = this.#directoryOf(area);
    if (!existsSync(directory)) return [];
    return readdirSync(directory, { withFileTypes: true })
      .filter((entry) => entry.isFile() && !entry.name.startsWith("."))
      .map(({ name }) => ({ key: { area, name }, content: readFileSync(join(directory, name)) }));
  }
}

const FOLDERS: Readonly<Record<Area, string>> = {
  state: "state",
  backup: "backup",
  quarantine: "state/.draftstate/quarantine",
  trash: "state/.draftstate/trash",
  history: "state/.draftstate/history",
  metrics: "state/.draftstate/metrics",
};

/** Of an area and a name as they are told of the server's schema; undefined for what is not. */
export function fileAt(place: string, schema: string): string | undefined {
  const [, area, name] = new RegExp(`^postgresql://.*/${schema}/(${AREAS.join("|")})/([^/]+)$`).exec(place) ?? [];
  return name === undefined ? undefined : pathOf({ area: area as Area, name });
}

function pathOf({ area, name }: Key): string {
  return `${FOLDERS[area]}/${name}`;
}

function keyOf(path: string): Key | undefined {
  const folder = dirname(path);
  const area = AREAS.find((each) => FOLDERS[each] === folder);
  return area === undefined ? undefined : { area, name: path.slice(folder.length + 1) };
}
