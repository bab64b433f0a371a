/** SQL as it is prepared once per connection: its text and a name made of it; and how results become values. */
import { createHash } from "node:crypto";
import type { PostgresQuery } from "./pool.js";

export interface Statement {
  readonly name: string;
  readonly text: string;
}

export function hashOf(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

export function statement(text: string): Statement {
  return { name: `draftstate_${hashOf(text).toString("hex", 0, 16)}`, text };
}

/** Of the types that our statements ask for: bool, int8, int2, int4, float8, and text for all others. An application may have set others for its own. */
const PARSERS: Readonly<Record<number, (value: string) => unknown>> = {
  16: (value) => value === "t",
  20: Number,
  21: Number,
  23: Number,
  701: Number,
};
const TEXT = (value: string): string => value;
const TYPES = { getTypeParser: (oid: number) => PARSERS[oid] ?? TEXT };

export function queryOf({ name, text }: Statement, values: readonly unknown[], timeout: number): PostgresQuery {
  return { name, text, values: [...values], types: TYPES, query_timeout: timeout };
}
