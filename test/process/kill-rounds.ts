/**
 * Rounds of killing: a process streams into a conversation, is killed at a random moment, and what is on disk is held
 * against what the process was told. Several kills follow one another on one conversation before it is looked after.
 */
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { createDraftStatePersistenceManager } from "../../src/create-manager.js";
import type { AgentState } from "../../src/model/conversation.js";
import { seeded, type Random } from "./random.js";
import { toldBy } from "./told-tokens.js";
import { Victim } from "./victim.js";

const ID = "killed";
const KILLS_PER_CONVERSATION = 8;

interface Moment {
  /** The line after which the kill comes. */
  readonly after: string;
  /** At most so many milliseconds later. */
  readonly within: number;
  readonly orders: object;
}

const ORDERS = { tokens: 40, foldEvery: 0, backupEvery: 0, pruneEvery: 0, pause: 0 };
const SMALL = { journalBudget: 1024, autoSaveInterval: 15, maxBackups: 3 };

export const MOMENTS: Readonly<Record<string, Moment>> = {
  starting: { after: "", within: 260, orders: ORDERS },
  opening: { after: "begin", within: 25, orders: ORDERS },
  streaming: { after: "opened", within: 120, orders: { ...ORDERS, tokens: 400 } },
  compacting: { after: "fold", within: 8, orders: { ...ORDERS, foldEvery: 5, settings: SMALL } },
  timer: { after: "opened", within: 150, orders: { ...ORDERS, tokens: 400, settings: SMALL } },
  backup: { after: "backup", within: 8, orders: { ...ORDERS, backupEvery: 4, settings: { compression: "gzip" } } },
  prune: { after: "prune", within: 5, orders: { ...ORDERS, backupEvery: 3, pruneEvery: 9 } },
  "end of turn": { after: "turn", within: 20, orders: { ...ORDERS, tokens: 6, settings: { maxBackups: 2 } } },
};

export interface Row {
  kills: number;
  acknowledged: number;
  "left a lock": number;
  "torn journals": number;
  failures: number;
}

export interface Outcome {
  readonly table: Readonly<Record<string, Row>>;
  readonly failures: readonly string[];
}

function emptyRow(): Row {
  return { kills: 0, acknowledged: 0, "left a lock": 0, "torn journals": 0, failures: 0 };
}

class Conversation {
  readonly acknowledged = new Set<number>();

  private constructor(readonly directory: string) {}

  static async create(): Promise<Conversation> {
    return new Conversation(await mkdtemp(join(tmpdir(), "draftstate-kills-")));
  }

  get directories(): { stateDir: string; backupDir: string } {
    return { stateDir: join(this.directory, "state"), backupDir: join(this.directory, "backup") };
  }

  remove(): Promise<void> {
    return rm(this.directory, { recursive: true, force: true });
  }

  async names(...path: string[]): Promise<string[]> {
    return readdir(join(this.directory, ...path)).catch(() => []);
  }
}

async function killOnce(
  conversation: Conversation,
  { after, within, orders }: Moment,
  random: Random,
): Promise<string[]> {
  const { settings = {}, ...rest } = orders as { settings?: object };
  const victim = Victim.program("streamer", {
    id: ID,
    ...rest,
    settings: { ...settings, ...conversation.directories },
  });
  if (after !== "") await victim.says(after);
  await delay(random() * within);
  const byItself = victim.hasEnded ? [`it ended by itself: ${victim.lines.at(-1) ?? ""} ${victim.stderr}`] : [];
  await victim.kill();
  for (const revision of victim.acknowledged) conversation.acknowledged.add(revision);
  return byItself;
}

function differences(conversation: Conversation, state: AgentState | null): string[] {
  const { acknowledged } = conversation;
  if (state === null) return acknowledged.size === 0 ? [] : ["the conversation is gone"];
  const told = toldBy(state);
  const lost = [...acknowledged].filter((revision) => !told.revisions.has(revision));
  return [...told.untrue, ...(lost.length === 0 ? [] : [`acknowledged and lost: ${lost.join(", ")}`])];
}

/** What a reader sees of the dead process's files. */
async function look(conversation: Conversation, row: Row): Promise<string[]> {
  const manager = createDraftStatePersistenceManager({ ...conversation.directories, autoSave: false });
  const loaded = await manager.load(ID);
  const problems = (loaded?.problems ?? []).filter((problem) => problem.kind !== "journal-torn");
  if (loaded !== undefined && loaded.problems.length > problems.length) row["torn journals"] += 1;
  if ((await conversation.names("state", ".draftstate", "locks")).includes(`${ID}.lock`)) row["left a lock"] += 1;
  return [
    ...problems.map((problem) => problem.detail),
    ...differences(conversation, (loaded?.state ?? null) as AgentState | null),
  ];
}

/** The next writer: it takes the lock over at once, mends what there is to mend, and leaves nothing lying about. */
async function lookAfter(conversation: Conversation): Promise<string[]> {
  const manager = createDraftStatePersistenceManager({ ...conversation.directories, autoSave: false });
  const before = await manager.loadState(ID);
  if (before === null) return [];
  const handle = await manager.open(ID, { expect: "existing" });
  const same = JSON.stringify(handle.state) === JSON.stringify(before);
  await handle.close();
  const { ok, problems } = await manager.verify();
  const names = await Promise.all([
    conversation.names("state"),
    conversation.names("backup"),
    conversation.names("state", ".draftstate", "locks"),
    conversation.names("state", ".draftstate", "quarantine"),
  ]);
  const stale = names
    .flat()
    .filter((name) => name.startsWith(".tmp-") || name.includes(".lock") || name.endsWith(`${ID}.journal`));
  return [
    ...(same ? [] : ["the writer began from another state than readers saw"]),
    ...(ok ? [] : [`verify: ${JSON.stringify(problems)}`]),
    ...stale.map((name) => `left lying about: ${name}`),
    ...differences(conversation, await manager.loadState(ID)),
  ];
}

export async function killRounds(rounds: number, seed: number, names: readonly string[]): Promise<Outcome> {
  const random = seeded(seed);
  const table: Record<string, Row> = {};
  const failures: string[] = [];
  let conversation = await Conversation.create();
  for (let round = 0; round < rounds; round += 1) {
    const name = names[round % names.length] ?? "streaming";
    const row = (table[name] ??= emptyRow());
    const known = conversation.acknowledged.size;
    const found = await killOnce(conversation, MOMENTS[name] as Moment, random);
    row.kills += 1;
    row.acknowledged += conversation.acknowledged.size - known;
    found.push(...(await look(conversation, row)));
    const last = round % KILLS_PER_CONVERSATION === KILLS_PER_CONVERSATION - 1 || round === rounds - 1;
    if (last || random() < 0.4) found.push(...(await lookAfter(conversation)));
    row.failures += found.length;
    failures.push(
      ...found.map((problem) => `round ${round} (${name}, seed ${seed}, ${conversation.directory}): ${problem}`),
    );
    if (!last) continue;
    if (found.length === 0) await conversation.remove();
    conversation = await Conversation.create();
  }
  await conversation.remove();
  return { table, failures };
}
