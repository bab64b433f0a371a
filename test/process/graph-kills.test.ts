/**
 * A graph that streams is killed with SIGKILL again and again on one thread: every token that it printed is in the state or a
 * partial answer afterwards, no partial is torn, and the next process resumes at once.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { BaseMessage } from "@langchain/core/messages";
import { expect, test } from "vitest";
import { DraftstateSaver } from "../../src/langgraph/index.js";
import { seeded } from "./random.js";
import { Victim } from "./victim.js";

const KILLS = Number(process.env["DRAFTSTATE_KILLS"] ?? 8);
const SEED = Number(process.env["DRAFTSTATE_SEED"] ?? 20260114);
const TOKENS = 40;

interface Looked {
  readonly texts: readonly string[];
  readonly partials: readonly string[];
}

async function look(settings: object): Promise<Looked> {
  const saver = new DraftstateSaver({ ...settings, telemetry: false });
  const config = { configurable: { thread_id: "t" } };
  const tuple = await saver.getTuple(config);
  const messages = (tuple?.checkpoint.channel_values["messages"] ?? []) as BaseMessage[];
  const pending = (tuple?.pendingWrites ?? []).flatMap(([, channel, value]) =>
    channel === "messages" ? (value as BaseMessage[]) : [],
  );
  const partials = (await saver.partials(config)).map(({ text }) => text);
  await saver.close();
  return { texts: [...messages, ...pending].map(({ text }) => text), partials };
}

/** "l3.1 l3.2 …" without a gap, as far as it goes. */
function isWhole(text: string): boolean {
  const [head = ""] = text.split(".");
  return text === Array.from({ length: text.split(" ").length - 1 }, (_, at) => `${head}.${at + 1} `).join("");
}

test("no token that was shown is lost", { timeout: KILLS * 20_000 }, async () => {
  const root = await mkdtemp(join(tmpdir(), "draftstate-kills-"));
  const random = seeded(SEED);
  let [shown, lost, cutOff] = [0, 0, 0];
  for (let kill = 0; kill < KILLS; kill += 1) {
    const durability = ["sync", "async", "exit"][kill % 3];
    // Some rounds on one thread, so that kills follow kills.
    const settings = { stateDir: join(root, `state-${kill >> 2}`), backupDir: join(root, `backup-${kill >> 2}`) };
    const victim = Victim.program("graph-streamer", { settings, tokens: TOKENS, durability });
    expect(await victim.says("l")).toBe(true);
    await new Promise((resolve) => setTimeout(resolve, random() * 300));
    await victim.kill();
    expect(victim.stderr).toBe("");
    const { texts, partials } = await look(settings);
    const all = [...texts, ...partials].join("");
    for (const token of victim.lines.filter((line) => line !== "ready")) {
      shown += 1;
      if (!all.includes(token)) lost += 1;
    }
    for (const text of partials) expect(isWhole(text), text).toBe(true);
    cutOff += partials.length;
  }
  console.table({ kills: KILLS, shown, lost, partials: cutOff });
  expect(lost).toBe(0);
  expect(cutOff).toBeGreaterThan(0);
  await rm(root, { recursive: true });
});
