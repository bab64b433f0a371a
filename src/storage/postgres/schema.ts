/**
 * Looks for the tables, makes and migrates them: one process at a time, however many start. A newer version is refused before
 * anything is read or written. A role that may not create needs no more than that the tables are there.
 */
import { DraftstateError } from "../../errors.js";
import { isUnprepared } from "./errors.js";
import { isAlive } from "./lock-statements.js";
import { storageOf } from "./outcomes.js";
import type { PostgresClient } from "./pool.js";
import type { Server } from "./server.js";
import { hashOf, statement, type Statement } from "./statement.js";
import { migrations, SCHEMA_VERSION, type Tables } from "./tables.js";

/** Days after which what a process that died left is cleared away where no lock's next holder does it. A clock may be wrong: nothing depends on it. */
const LEFT_DAYS = 7;

export class Schema {
  readonly #version: Statement;
  readonly #key: string;
  #current: Promise<number> | undefined;
  #isCleared = false;

  constructor(
    private readonly server: Server,
    private readonly tables: Tables,
  ) {
    this.#version = statement(`select version from ${tables.store}`);
    this.#key = hashOf(`draftstate schema ${tables.schema}`).readBigInt64BE().toString();
  }

  /** Whether there are tables, of whatever version. Throws `NEWER_VERSION`. */
  async exists(): Promise<boolean> {
    return (await this.#found()) > 0;
  }

  /** Whether there are tables to read. Throws `NEWER_VERSION`, and `STORAGE` for older ones. */
  async isReady(): Promise<boolean> {
    const version = await this.#found();
    if (version > 0 && version < SCHEMA_VERSION)
      throw new DraftstateError(
        "STORAGE",
        `${this.server.place} has tables of version ${version}: the first command that writes brings them to ${SCHEMA_VERSION}`,
        { path: this.server.place },
      );
    return version === SCHEMA_VERSION;
  }

  async prepare(): Promise<void> {
    if ((await this.#found()) === SCHEMA_VERSION) return this.#clear();
    await this.server.trying("prepare", () => this.server.withClient((client) => this.#migrate(client)));
    this.#current = undefined;
  }

  /** Throws `NEWER_VERSION`; undefined where there are no tables. */
  assertKnown(version: number | null | undefined): void {
    if (version === undefined || version === null || version <= SCHEMA_VERSION) return;
    throw new DraftstateError(
      "NEWER_VERSION",
      `${this.server.place} has tables of version ${version}, and this draftstate knows ${SCHEMA_VERSION} at most: update draftstate; nothing was changed`,
      { path: this.server.place },
    );
  }

  /** 0 for no tables. Asked of the server until it is the one that we know. */
  async #found(): Promise<number> {
    const asked = (this.#current ??= this.#look());
    let version: number | undefined;
    try {
      version = await asked;
      return version;
    } finally {
      if (version !== SCHEMA_VERSION && this.#current === asked) this.#current = undefined;
    }
  }

  async #look(): Promise<number> {
    const version = await this.server.trying("look", async () => {
      try {
        return (await this.server.once<{ version: number }>(this.#version))[0]?.version;
      } catch (error) {
        if (isUnprepared(error)) return undefined;
        throw error;
      }
    });
    this.assertKnown(version);
    return version ?? 0;
  }

  /** In one transaction, under a lock that ends with it. Of many processes the first makes the tables, the others find them. */
  async #migrate(client: PostgresClient): Promise<void> {
    const run = (text: string): Promise<{ readonly rows: unknown[] }> => client.query({ text });
    await run("begin");
    await run("set local synchronous_commit = on");
    await run(`select pg_advisory_xact_lock(${this.#key})`);
    const version = await this.#versionWithin(client);
    this.assertKnown(version);
    if (version === 0) {
      const found = await run(`select 1 from pg_namespace where nspname = '${this.tables.schema.slice(1, -1)}'`);
      // Asked for only where it is missing: a role may be allowed to use a schema and not to create one.
      if (found.rows.length === 0) await run(`create schema ${this.tables.schema}`);
    }
    for (const [index, step] of migrations(this.tables).entries()) if (index >= version) await run(step);
    await run(`update ${this.tables.store} set version = ${SCHEMA_VERSION} where version < ${SCHEMA_VERSION}`);
    await run("commit");
  }

  /** 0 where there are no tables yet. A missing table must not end the transaction. */
  async #versionWithin(client: PostgresClient): Promise<number> {
    const name = this.tables.store.replaceAll("'", "''");
    const { rows } = await client.query({ text: `select to_regclass('${name}') is not null as found` });
    if ((rows[0] as { found: boolean } | undefined)?.found !== true) return 0;
    return (await this.server.on<{ version: number }>(client, this.#version))[0]?.version ?? 0;
  }

  /**
   * What will not be asked for again: contents that were never finished, and outcomes whose process died, all of a process at once.
   * What looks old may be of one that lives: a content whose writer holds its lock stays, and of an outcome see outcomes.ts. Once is enough.
   */
  async #clear(): Promise<void> {
    if (this.#isCleared) return;
    const { staged, parts, outcomes } = this.tables;
    const isOld = (at: string): string => `${at} < now() - interval '${LEFT_DAYS} days'`;
    await this.server.read(
      statement(
        `with old as (delete from ${staged} s where ${isOld("s.at")} and not ${isAlive(this.tables, "s.writer")} returning blob),
           gone as (delete from ${parts} p using old where p.blob = old.blob),
           dead as (select ${storageOf("op")} as storage from ${outcomes} group by 1 having ${isOld("max(at)")})
         delete from ${outcomes} using dead where ${storageOf("op")} = dead.storage`,
      ),
    );
    this.#isCleared = true;
  }
}
