/** Every file of a store as text, area by area: what a test compares before and after. Latin-1, so that each byte counts. */
import { AREAS, type Area, type Storage } from "../../src/storage/storage.js";

export async function contents(
  storage: Storage,
  areas: readonly Area[] = ["state", "backup"],
): Promise<Record<string, string>> {
  const files: Record<string, string> = {};
  for (const area of AREAS.filter((each) => areas.includes(each))) {
    for (const name of await storage.list(area)) {
      files[`${area}/${name}`] = Buffer.from((await storage.read({ area, name })) ?? []).toString("latin1");
    }
  }
  return files;
}

export async function textOf(storage: Storage, area: Area, name: string): Promise<string> {
  return Buffer.from((await storage.read({ area, name })) ?? []).toString();
}
