/**
 * The tables, and how one version of them becomes the next. A value is a row of `entries`; what is too large for a row, and
 * what is appended to a log, follows in `parts`, each row known by where it ends. `locks` says who holds what under which
 * fencing token; `outcomes` says which changes were made, for those whose connection was cut before the answer.
 */
import { DraftstateError } from "../../errors.js";
import { hashOf } from "./statement.js";

export const SCHEMA_VERSION = 1;
const SCHEMA_NAME = /^[a-z_][a-z0-9_]{0,62}$/;

/** Throws `INVALID_CONFIG`. */
export function assertSchemaName(schema: string): void {
  if (SCHEMA_NAME.test(schema) && !schema.startsWith("pg_")) return;
  throw new DraftstateError(
    "INVALID_CONFIG",
    `schema ${JSON.stringify(schema)}: expected lower-case letters, digits and _, beginning with a letter, at most 63, and not pg_`,
  );
}

/** Quoted: a name may be a word of SQL. */
export interface Tables {
  readonly schema: string;
  readonly store: string;
  readonly entries: string;
  readonly parts: string;
  readonly staged: string;
  readonly locks: string;
  readonly outcomes: string;
  readonly fences: string;
  readonly blobs: string;
  /** Of notifications. */
  readonly channel: string;
}

export function tablesOf(schema: string): Tables {
  const named = (name: string): string => `"${schema}"."${name}"`;
  return {
    schema: `"${schema}"`,
    store: named("store"),
    entries: named("entries"),
    parts: named("parts"),
    staged: named("staged"),
    locks: named("locks"),
    outcomes: named("outcomes"),
    fences: named("fences"),
    blobs: named("blobs"),
    channel: `draftstate_${hashOf(schema).toString("hex", 0, 8)}`,
  };
}

/** SQL that leads to version n + 1, at index n. Never changed once it was released. */
export function migrations(tables: Tables): readonly string[] {
  const { store, entries, parts, staged, locks, outcomes, fences, blobs } = tables;
  return [
    `create table ${store} (only_one boolean primary key default true check (only_one), version integer not null);
     create sequence ${fences};
     create sequence ${blobs};
     create table ${entries} (
       area text collate "C" not null,
       name text collate "C" not null,
       version text not null,
       blob bigint,
       replaced bigint,
       size bigint not null,
       bytes bytea not null,
       modified_at timestamptz not null,
       primary key (area, name));
     create index entries_blob on ${entries} (blob) where blob is not null;
     create table ${parts} (
       blob bigint not null,
       ends bigint not null,
       at timestamptz not null,
       bytes bytea not null,
       primary key (blob, ends));
     alter table ${entries} alter column bytes set storage external;
     alter table ${parts} alter column bytes set storage external;
     create table ${staged} (
       op text primary key,
       blob bigint not null,
       writer text not null,
       place text not null,
       at timestamptz not null default now());
     create table ${locks} (
       name text collate "C" primary key,
       key bigint not null,
       fence bigint not null,
       nonce text not null,
       holder text not null,
       since text not null,
       previous_holder text,
       previous_since text);
     create table ${outcomes} (op text primary key, blob bigint, at timestamptz not null default now());
     insert into ${store} (version) values (1);`,
  ];
}
