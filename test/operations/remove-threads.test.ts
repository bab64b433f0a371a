/** Threads removed for good: nothing of them stays, also not in quarantine. */
import { describe, expect, test } from "vitest";
import { removeThreads } from "../../src/operations/graph-threads/change-threads.js";
import { repairThread } from "../../src/threads/repair.js";
import { managerOver, memory } from "../doubles/managers.js";
import { damage, message, putLine } from "../doubles/threads.js";

const STAMP = "2026-01-14T21-30-00-000Z";
/** Of threads whose names begin alike, and of a conversation. */
const OTHERS = [`t.x.000001.thread.${STAMP}`, `t2.000001.thread.${STAMP}`, `t.json.${STAMP}`];

async function repaired() {
  const storage = memory();
  const first = managerOver(storage);
  await putLine(first.threads.get("t"), [message("Human", "Hello"), message("AI", "Hi")]);
  await first.close();
  await damage(storage, "t", (text) => text.replace("Hello", "Jello"));
  for (const name of OTHERS) await storage.replace({ area: "quarantine", name }, Buffer.from("other"));
  const manager = managerOver(storage);
  const { quarantined } = await manager.threads.get("t").holding(repairThread);
  return { storage, manager, quarantined };
}

describe("a thread removed for good", () => {
  test("takes what quarantine holds of it along, and of no other", async () => {
    const { storage, manager, quarantined } = await repaired();
    expect(quarantined).toHaveLength(1);
    const [preview] = await removeThreads(manager.threads, ["t"], { purge: true, dryRun: true });
    const [result] = await removeThreads(manager.threads, ["t"], { purge: true });
    expect(result).toMatchObject({ purged: true, bytes: preview?.bytes });
    expect(result?.removed).toEqual(preview?.removed);
    expect(result?.removed).toEqual(expect.arrayContaining([...quarantined]));
    expect((await storage.list("quarantine")).sort()).toEqual([...OTHERS].sort());
    await manager.close();
  });

  test("that is only moved to the trash leaves quarantine alone", async () => {
    const { storage, manager, quarantined } = await repaired();
    const [result] = await removeThreads(manager.threads, ["t"], {});
    expect(result?.removed).not.toEqual(expect.arrayContaining([...quarantined]));
    expect(await storage.list("quarantine")).toHaveLength(OTHERS.length + 1);
    await manager.close();
  });
});
