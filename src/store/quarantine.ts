/** What cannot be used is copied here before anything else takes its name (G6), and stays until its conversation or thread is purged. */
import type { Key, Lock } from "../storage/storage.js";
import { MAX_FILE_BYTES } from "./codec.js";
import {
  conversationIds,
  parseBackupName,
  parseSegmentName,
  parseSpillName,
  segmentPrefix,
  toTimestamp,
} from "./names.js";
import type { Store } from "./store.js";

/** Under a free name that says what it was (`name`) and when; gives where it is, for messages. Undefined where there is nothing under the key. */
export async function copyToQuarantine(
  { storage, now }: Pick<Store, "storage" | "now">,
  from: Key,
  guard: Lock,
  name = from.name,
): Promise<string | undefined> {
  const bytes = await storage.read(from, { maxBytes: MAX_FILE_BYTES });
  if (bytes === undefined) return undefined;
  const stamp = toTimestamp(now());
  for (let copy = 0; ; copy += 1) {
    const key: Key = { area: "quarantine", name: `${name}.${stamp}${copy === 0 ? "" : `-${copy}`}` };
    if (await storage.create(key, bytes, guard)) return storage.describe(key);
  }
}

/** The copies that were made of files of the conversation. */
export async function quarantinedOf({ storage }: Pick<Store, "storage">, id: string): Promise<Key[]> {
  const names = await storage.list("quarantine", { prefix: id });
  return names.filter((name) => ownerOf(name) === id).map((name): Key => ({ area: "quarantine", name }));
}

/** The copies that were made of segments of the thread, as it stands in names. */
export async function quarantinedOfThread({ storage }: Pick<Store, "storage">, thread: string): Promise<Key[]> {
  const names = await storage.list("quarantine", { prefix: segmentPrefix(thread) });
  const own = names.filter((name) => parseSegmentName(originalOf(name) ?? "")?.thread === thread);
  return own.map((name): Key => ({ area: "quarantine", name }));
}

/** Of a name that ends with when it was copied. */
function originalOf(name: string): string | undefined {
  const original = name.replace(/\.\d{4}-\d\d-\d\dT[\d-]+Z(?:-\d+)?$/, "");
  return original === name ? undefined : original;
}

function ownerOf(name: string): string | undefined {
  const original = originalOf(name);
  if (original === undefined) return undefined;
  const found = parseBackupName(original) ?? parseSpillName(original);
  return found?.conversationId ?? conversationIds([original])[0];
}
