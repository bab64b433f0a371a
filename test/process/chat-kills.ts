/** Rounds of killing the command line itself while it answers: each token that it printed is there afterwards. */
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { createDraftStatePersistenceManager } from "../../src/create-manager.js";
import { textOf, type AgentState } from "../../src/model/conversation.js";
import { jsonLines } from "../e2e/cli.js";
import { pick, seeded } from "./random.js";
import { Victim } from "./victim.js";

const ID = "killed-chat";
const TOKEN_DELAY = "4";
/** Shorter than the answer, so that it is killed within it. */
const LONGEST_ANSWER = 400;

function printedTokens(victim: Victim): string {
  return jsonLines(`${victim.lines.join("\n")}\n`)
    .map((line) => (line.type === "token" ? String(line["text"]) : ""))
    .join("");
}

/** Answers in their order, so that each of those printed begins one of its own. */
function missing(state: AgentState | null, printed: readonly string[]): string[] {
  const answers = (state?.messages ?? [])
    .filter((message) => message.role === "assistant")
    .map((message) => textOf(message.content));
  let next = 0;
  return printed.filter((text) => {
    const found = answers.findIndex((answer, index) => index >= next && answer.startsWith(text));
    next = found + 1;
    return found === -1;
  });
}

export interface ChatKills {
  readonly kills: number;
  readonly tokensPrinted: number;
  readonly failures: readonly string[];
}

export async function chatKills(rounds: number, seed: number): Promise<ChatKills> {
  const random = seeded(seed);
  const directory = await mkdtemp(join(tmpdir(), "draftstate-chat-kills-"));
  const [stateDir, backupDir] = [join(directory, "state"), join(directory, "backup")];
  const [printed, failures]: [string[], string[]] = [[], []];
  let tokensPrinted = 0;
  for (let round = 0; round < rounds; round += 1) {
    const exists = (await readdir(stateDir).catch(() => [])).some((name) => name.startsWith(ID));
    const start = exists ? pick(random, [["--resume", ID], ["-c"]]) : ["--id", ID];
    const victim = Victim.cli(
      ["chat", "--json", "Go on", ...start],
      { DRAFTSTATE_OFFLINE_TOKEN_DELAY: TOKEN_DELAY },
      directory,
    );
    if (random() < 0.75) await victim.says('{"type":"start"');
    await delay(random() * LONGEST_ANSWER);
    if (victim.hasEnded && victim.status !== 0) failures.push(`round ${round}: it ended by itself: ${victim.stderr}`);
    await victim.kill();
    const text = printedTokens(victim);
    if (text !== "") printed.push(text);
    tokensPrinted += jsonLines(`${victim.lines.join("\n")}\n`).filter((line) => line.type === "token").length;
    const manager = createDraftStatePersistenceManager({ stateDir, backupDir, autoSave: false });
    const state = await manager.loadState(ID);
    failures.push(
      ...missing(state, printed).map(
        (lost) => `round ${round}, seed ${seed}, ${directory}: printed and lost: ${JSON.stringify(lost)}`,
      ),
    );
  }
  if (failures.length === 0) await rm(directory, { recursive: true, force: true });
  return { kills: rounds, tokensPrinted, failures };
}
