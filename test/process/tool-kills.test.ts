/**
 * An agent with tools is killed with SIGKILL at each of its steps (asked, approved, begun, the tool ran, its result durable, the
 * model sees it, the end) and at random moments, and resumed in another process. Its tools count their calls: none is made twice
 * without a decision, and no result that was durable is lost or made again.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import { createDraftStatePersistenceManager } from "../../src/create-manager.js";
import { seeded } from "./random.js";
import { programPath, Victim } from "./victim.js";

const IS_DEEP = process.env["DRAFTSTATE_KILLS"] !== undefined;
/** Every step at night; one of them in the gate, where a tool has run and its result is not kept. */
const [FIRST, EVERY] = IS_DEEP ? [1, 1] : [11, 100];
const RANDOM_KILLS = IS_DEEP ? 200 : 1;
const ID = "counting";

type Note = readonly [what: "approved" | "approved again" | "called" | "durable", call: string];

function notesIn(path: string): Note[] {
  try {
    return readFileSync(path, "utf8")
      .split("\n")
      .flatMap((line) => (line === "" ? [] : [JSON.parse(line) as Note]));
  } catch {
    return [];
  }
}

const times = (notes: readonly Note[], call: string, ...whats: readonly Note[0][]): number =>
  notes.filter(([what, of]) => of === call && whats.includes(what)).length;

/** What must never be, by the notes of all processes so far. */
function violations(notes: readonly Note[]): string[] {
  return ["c1", "c2", "c3"].flatMap((call) => {
    const [made, allowed] = [times(notes, call, "called"), times(notes, call, "approved", "approved again")];
    const durableAt = notes.findIndex(([what, of]) => what === "durable" && of === call);
    const after = durableAt === -1 ? [] : notes.slice(durableAt + 1);
    return [
      ...(made > allowed ? [`${call} was made ${made} times and allowed ${allowed} times`] : []),
      ...(times(after, call, "called") > 0 ? [`${call} was made again after its result was durable`] : []),
    ];
  });
}

interface Place {
  readonly settings: { readonly stateDir: string; readonly backupDir: string };
  readonly notes: string;
  readonly id: string;
}

function placeIn(root: string, name: string): Place {
  const at = join(root, name);
  return {
    settings: { stateDir: join(at, "state"), backupDir: join(at, "backup") },
    notes: join(root, `${name}.notes`),
    id: ID,
  };
}

function run(place: Place, orders: object = {}): { signal: string | null; steps: number; said: unknown } {
  const { stdout, stderr, signal } = spawnSync(
    process.execPath,
    [programPath("tool-agent"), JSON.stringify({ ...place, ...orders })],
    { encoding: "utf8" },
  );
  expect(stderr).toBe("");
  const last = stdout.trim().split("\n").at(-1) ?? "";
  return {
    signal,
    ...(last.startsWith("{") ? (JSON.parse(last) as { steps: number; said: unknown }) : { steps: 0, said: undefined }),
  };
}

/** Each durable result is in the conversation. */
async function lost({ settings, notes }: Place): Promise<string[]> {
  const manager = createDraftStatePersistenceManager({ ...settings, autoSave: false });
  const kept = ((await manager.loadState(ID))?.messages ?? []).map(({ toolCallId }) => toolCallId);
  await manager.close();
  return notesIn(notes).flatMap(([what, call]) =>
    what === "durable" && !kept.includes(call) ? [`${call} is lost`] : [],
  );
}

/** Of all that is said at the end, without answers of which nothing came: each kill may leave one. */
const SAID = ["user Count.", "tool result of c1", "tool result of c2", "tool result of c3", "assistant Done."];

function textsOf(said: unknown): string[] {
  const messages = said as readonly (readonly [role: string, content: string])[];
  return messages.flatMap(([role, content]) => (content === "" ? [] : [`${role} ${content}`]));
}

test("calls survive a kill at any step", { timeout: 900_000 }, async () => {
  const root = mkdtempSync(join(tmpdir(), "draftstate-tool-kills-"));
  const { steps, said } = run(placeIn(root, "whole"));
  expect(textsOf(said)).toEqual(SAID);
  expect(steps).toBeGreaterThan(20);
  const found: string[] = [];
  let kills = 0;
  for (let killAt = FIRST; killAt <= steps; killAt += EVERY) {
    const place = placeIn(root, String(killAt));
    expect(run(place, { killAt }).signal).toBe("SIGKILL");
    const end = run(place);
    expect(textsOf(end.said).sort(), `killed at step ${killAt}`).toEqual([...SAID].sort());
    found.push(...violations(notesIn(place.notes)), ...(await lost(place)));
    kills += 1;
  }
  console.log({ steps, kills });
  expect(found).toEqual([]);
  rmSync(root, { recursive: true });
});

test("and at random moments", { timeout: 1_800_000 }, async () => {
  const root = mkdtempSync(join(tmpdir(), "draftstate-tool-kills-"));
  const random = seeded(18);
  const found: string[] = [];
  const totals = { kills: 0, conversations: 0, called: 0, approved: 0, repeated: 0 };
  while (totals.kills < RANDOM_KILLS) {
    const place = placeIn(root, `c${totals.conversations}`);
    totals.conversations += 1;
    for (let attempt = 0; attempt < 6 && totals.kills < RANDOM_KILLS; attempt += 1) {
      const victim = Victim.program("tool-agent", { ...place, pause: 25, repeats: random() < 0.7 });
      await victim.says("opened");
      await delay(random() * 350);
      if (victim.hasEnded) break;
      await victim.kill();
      totals.kills += 1;
      found.push(...(await lost(place)));
    }
    run(place);
    const notes = notesIn(place.notes);
    found.push(...violations(notes), ...(await lost(place)));
    totals.called += notes.filter(([what]) => what === "called").length;
    totals.approved += notes.filter(([what]) => what.startsWith("approved")).length;
    totals.repeated += notes.filter(([what]) => what === "approved again").length;
  }
  console.log(totals);
  expect(found).toEqual([]);
  rmSync(root, { recursive: true });
});
