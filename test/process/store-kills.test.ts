/**
 * A LangGraph store is killed with SIGKILL again and again while it writes and folds: every batch that it acknowledged is there
 * afterwards, each batch as a whole or not at all, and the next process goes on at once.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createDraftStatePersistenceManager } from "../../src/create-manager.js";
import { DraftstateStore } from "../../src/langgraph/index.js";
import { seeded } from "./random.js";
import { Victim } from "./victim.js";

const KILLS = Number(process.env["DRAFTSTATE_KILLS"] ?? 6);
const SEED = Number(process.env["DRAFTSTATE_SEED"] ?? 20260114);
const NAMESPACE = ["memories", "ann"];
/** So that some batches are folded into a snapshot. */
const PADDING = 6000;

async function look(settings: object): Promise<{ readonly numbers: readonly unknown[]; readonly keys: number }> {
  const store = new DraftstateStore({ ...settings, telemetry: false });
  const items = await Promise.all(["a", "b"].map((key) => store.get(NAMESPACE, key)));
  const [number] = items.map((item) => Number(item?.value["number"] ?? 0));
  const own = await Promise.all([0, 1, 2].map((back) => store.get(NAMESPACE, `only ${(number ?? 0) - back}`)));
  const found = await store.search(NAMESPACE, { limit: 1000 });
  await store.close();
  return { numbers: [...items, ...own].map((item): unknown => item?.value["number"]), keys: found.length };
}

test("no batch that was acknowledged is lost, and none is there in part", { timeout: KILLS * 20_000 }, async () => {
  const root = await mkdtemp(join(tmpdir(), "draftstate-kills-"));
  const settings = { stateDir: join(root, "state"), backupDir: join(root, "backup") };
  const random = seeded(SEED);
  let [acknowledged, lost] = [0, 0];
  for (let kill = 0; kill < KILLS; kill += 1) {
    const victim = Victim.program("store-writer", { settings, namespace: NAMESPACE, text: PADDING });
    expect(await victim.says(kill === 0 ? "ack 3" : "ack")).toBe(true);
    await new Promise((resolve) => setTimeout(resolve, random() * 300));
    await victim.kill();
    expect(victim.stderr).toBe("");
    const last = Math.max(...victim.acknowledged);
    const { numbers, keys } = await look(settings);
    const [number] = numbers;
    expect(numbers).toEqual([number, number, number, Number(number) - 1, undefined]);
    expect(keys).toBe(4);
    acknowledged += victim.acknowledged.length;
    if (Number(number) < last) lost += 1;
    const manager = createDraftStatePersistenceManager({ ...settings, telemetry: false });
    expect((await manager.verify()).problems.filter(({ kind }) => kind !== "items-torn")).toEqual([]);
    await manager.close();
  }
  console.table({ kills: KILLS, acknowledged, lost });
  expect(lost).toBe(0);
  await rm(root, { recursive: true });
});
