/**
 * The files in the `metrics` area: one for each process, which it alone replaces, and `total.json`, which holds what was
 * folded and the names of the files it was folded from. A file that is damaged or of a newer version counts nothing.
 */
import { isDraftstateError } from "../errors.js";
import { EMPTY, parseMetrics, type MetricData } from "../monitoring/figures.js";
import type { Key } from "../storage/storage.js";
import type { MetricsStorage } from "./storage-gate.js";

/** What a live process says of itself besides its counts. */
export interface ProcessGauges {
  readonly queueDepth: number;
  /** ISO 8601; null while everything is saved. */
  readonly unsavedSince: string | null;
}

export interface ProcessFile extends ProcessGauges {
  readonly data: MetricData;
  /** Its process is done with it. */
  readonly closed: boolean;
}

export interface TotalFile {
  readonly data: MetricData;
  /** Processes that are counted in it already: where their files are still there, those count nothing. */
  readonly folded: readonly string[];
}

type Fields = Readonly<Record<string, unknown>>;
type Reader = Pick<MetricsStorage, "list" | "read">;

export const TOTAL: Key = { area: "metrics", name: "total.json" };
const PROCESS = /^(_process-[a-z0-9]+)\.json$/;
const VERSION = 1;
const MAX_BYTES = 64 * 1024 * 1024;

export function processKey(name: string): Key {
  return { area: "metrics", name: `${name}.json` };
}

export async function processNames(storage: Reader): Promise<string[]> {
  return (await storage.list("metrics")).flatMap((name) => PROCESS.exec(name)?.[1] ?? []);
}

export function encodeProcess({ data, ...fields }: ProcessFile): Uint8Array {
  return encode(fields, data);
}

export function encodeTotal({ data, folded }: TotalFile): Uint8Array {
  return encode({ folded }, data);
}

export async function readProcess(storage: Reader, name: string): Promise<ProcessFile | undefined> {
  const fields = await readFields(storage, processKey(name));
  if (typeof fields === "string" || fields === undefined) return undefined;
  const { queueDepth, unsavedSince, closed } = fields;
  return {
    data: parseMetrics(fields),
    closed: closed === true,
    queueDepth: typeof queueDepth === "number" && Number.isFinite(queueDepth) ? queueDepth : 0,
    unsavedSince: typeof unsavedSince === "string" && !Number.isNaN(Date.parse(unsavedSince)) ? unsavedSince : null,
  };
}

export async function readTotal(storage: Reader): Promise<TotalFile | "damaged" | "newer"> {
  const fields = await readFields(storage, TOTAL);
  if (typeof fields === "string") return fields;
  const folded = fields?.["folded"];
  return {
    data: fields === undefined ? EMPTY : parseMetrics(fields),
    folded: Array.isArray(folded) ? folded.filter((name) => typeof name === "string") : [],
  };
}

function encode(fields: object, data: MetricData): Uint8Array {
  return Buffer.from(`${JSON.stringify({ version: VERSION, ...fields, ...data })}\n`);
}

async function readFields(storage: Reader, key: Key): Promise<Fields | "damaged" | "newer" | undefined> {
  const bytes = await storage.read(key, { maxBytes: MAX_BYTES }).catch(asDamaged);
  const fields = bytes === undefined || bytes === "damaged" ? bytes : parse(bytes);
  if (fields === undefined || fields === "damaged") return fields;
  return fields["version"] === VERSION ? fields : "newer";
}

function parse(bytes: Uint8Array): Fields | "damaged" {
  try {
    const fields: unknown = JSON.parse(Buffer.from(bytes).toString("utf8"));
    return typeof fields === "object" && fields !== null && "version" in fields && typeof fields.version === "number"
      ? fields
      : "damaged";
  } catch {
    return "damaged";
  }
}

/** Not a regular file, or too large to be one of ours. */
function asDamaged(error: unknown): "damaged" {
  if (isDraftstateError(error, "CORRUPT")) return "damaged";
  throw error;
}
