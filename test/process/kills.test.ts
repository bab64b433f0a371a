/**
 * Killed for real, with SIGKILL, at moments that a seed repeats: every revision that a process was told is durable is on
 * disk afterwards, nothing torn is believed, and the next writer goes on at once. `npm run test:kills` for hundreds of rounds.
 */
import { expect, test } from "vitest";
import { chatKills } from "./chat-kills.js";
import { killRounds, MOMENTS } from "./kill-rounds.js";

const ROUNDS = Number(process.env["DRAFTSTATE_KILLS"] ?? 24);
const SEED = Number(process.env["DRAFTSTATE_SEED"] ?? 20260114);

test(
  "a process killed at any moment loses nothing that it was told is durable, and the next writer continues",
  { timeout: ROUNDS * 10_000 },
  async () => {
    const { table, failures } = await killRounds(ROUNDS, SEED, Object.keys(MOMENTS));
    console.table(table);
    expect(failures).toEqual([]);
    expect(Object.values(table).reduce((sum, row) => sum + row.acknowledged, 0)).toBeGreaterThan(ROUNDS);
  },
);

test("a chat killed at any moment has every token that it printed on disk", { timeout: ROUNDS * 10_000 }, async () => {
  const { failures, ...counts } = await chatKills(Math.ceil(ROUNDS / 8), SEED);
  console.table({ chat: { ...counts, failures: failures.length } });
  expect(failures).toEqual([]);
});
