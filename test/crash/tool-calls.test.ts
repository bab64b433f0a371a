/**
 * Power loss at every operation of a turn with tools, in every state the disk may be left in: a call that was made is known to have
 * begun, a result that was durable is there, and whoever resumes the turn makes no call a second time by itself. Where only snapshots are
 * synced, results may be lost, but what began is known all the same.
 */
import { tool } from "@langchain/core/tools";
import { expect, test } from "vitest";
import { z } from "zod";
import { DraftHybridStreamingAgent } from "../../src/agent/agent.js";
import type { Message } from "../../src/model/conversation.js";
import { openCalls } from "../../src/model/tool-calls.js";
import { managerOver } from "../doubles/managers.js";
import { ProcessWorld } from "../doubles/process-world.js";
import { ScriptedModel } from "../doubles/scripted-model.js";
import { SimulatedFileSystem, type CrashState } from "../doubles/simulated-file-system.js";
import { storageOver } from "../doubles/storage-over.js";

const ID = "chat";
/** Each operation at night; some of them in the gate. */
const EVERY = process.env["DRAFTSTATE_CRASH_DEPTH"] === "full" ? { strict: 1, relaxed: 1 } : { strict: 6, relaxed: 18 };
const call = (id: string) => ({ id, name: "count", args: { id } });
const ROUNDS = [[call("c1"), call("c2")], [call("c3")]];

type Durability = "strict" | "relaxed";
type What = "approved" | "called" | "durable";
interface Note {
  readonly what: What;
  readonly id: string;
  /** Operations that the disk had been asked for by then. */
  readonly at: number;
}

/** The answers that are still to come, by the calls that were asked for. */
function modelFor(messages: readonly Message[]): ScriptedModel {
  const asked = messages.filter(({ toolCalls }) => toolCalls !== undefined).length;
  return new ScriptedModel([...ROUNDS.slice(asked), "Done."]);
}

async function live(
  disk: SimulatedFileSystem,
  boot: string,
  durability: Durability,
): Promise<{ notes: Note[]; messages: readonly Message[] }> {
  const notes: Note[] = [];
  const note = (what: What, id: string): void => {
    notes.push({ what, id, at: disk.operationCount });
  };
  // Nothing is saved but what the turn itself waits for.
  const options = { maxBackups: 1, realTimeSave: false, durability };
  const manager = managerOver(storageOver(disk, new ProcessWorld(boot).table(1), boot.at(-1)), options);
  const conversation = await manager.open(ID);
  const { messages } = conversation.state;
  const count = tool(
    ({ id }) => {
      note("called", id);
      return `result of ${id}`;
    },
    { name: "count", description: "Counts.", schema: z.object({ id: z.string() }) },
  );
  const agent = new DraftHybridStreamingAgent({
    manager,
    model: modelFor(messages),
    tools: [count],
    approve: ({ id, startedAt }) => {
      if (startedAt !== undefined) return { refuse: "lost" };
      note("approved", id);
      return "run";
    },
  });
  const prompt = messages.length === 0 ? "Count." : undefined;
  const isOver = prompt === undefined && messages.at(-1)?.content === "Done.";
  if (!isOver)
    for await (const event of agent.runTurn(conversation, prompt))
      if (event.type === "tools") for (const { toolCallId = "" } of event.messages) note("durable", toolCallId);
  const ended = conversation.state.messages;
  await manager.close();
  return { notes, messages: ended };
}

const idsOf = (notes: readonly Note[], what: What): string[] =>
  notes.flatMap((note) => (note.what === what ? [note.id] : []));

const begunIn = (messages: readonly Message[]): string[] =>
  messages.flatMap(({ toolCalls = [] }) =>
    toolCalls.flatMap(({ id, startedAt }) => (startedAt === undefined ? [] : [id])),
  );

async function problemOn(
  { fileSystem }: CrashState,
  before: readonly Note[],
  durability: Durability,
): Promise<string | undefined> {
  const reader = managerOver(storageOver(fileSystem, new ProcessWorld("boot-r").table(1), "r"));
  const seen = (await reader.loadState(ID))?.messages ?? [];
  const [called, durable] = [idsOf(before, "called"), idsOf(before, "durable")];
  const unknown = called.filter((id) => !begunIn(seen).includes(id));
  if (unknown.length > 0) return `called, and not begun on disk: ${unknown.join()}`;
  const results = seen.map(({ toolCallId }) => toolCallId);
  const lost = durability === "relaxed" ? [] : durable.filter((id) => !results.includes(id));
  if (lost.length > 0) return `a result is lost: ${lost.join()}`;
  const { notes, messages } = await live(fileSystem, "boot-2", durability);
  const again = idsOf(notes, "called").filter((id) => called.includes(id));
  if (again.length > 0) return `made twice: ${again.join()}`;
  if (openCalls(messages).length > 0 || messages.at(-1)?.content !== "Done.") return "the turn did not end";
  const { ok, problems } = await reader.verify();
  return ok ? undefined : `verify says ${JSON.stringify(problems)}`;
}

test.for(["strict", "relaxed"] as const)(
  "%s: a turn with tools makes no call twice by itself",
  { timeout: 240_000 },
  async (durability) => {
    const disk = new SimulatedFileSystem();
    const { notes, messages } = await live(disk, "boot-1", durability);
    expect(idsOf(notes, "called")).toEqual(["c1", "c2", "c3"]);
    expect(messages.at(-1)?.content).toBe("Done.");
    const known = new Set<string>();
    const problems: string[] = [];
    let states = 0;
    for (let after = 0; after <= disk.operationCount && problems.length < 5; after += EVERY[durability]) {
      const before = notes.filter(({ at }) => at <= after);
      for (const crash of disk.crashStates({ after })) {
        states += 1;
        const key = `${before.length} ${crash.fingerprint}`;
        if (known.has(key)) continue;
        known.add(key);
        const problem = await problemOn(crash, before, durability);
        if (problem !== undefined) problems.push(`after ${after} operations: ${problem} [${crash.label}]`);
      }
    }
    console.info(`${disk.operationCount} operations, ${states} crash states, ${known.size} looked at`);
    expect(problems).toEqual([]);
    expect(states).toBeGreaterThan(200 / EVERY[durability]);
  },
);
