/** Tool calls: what is durable before each step, who is asked, and what becomes of calls that an earlier process left open. */
import { tool } from "@langchain/core/tools";
import { afterEach, describe, expect, test } from "vitest";
import { z } from "zod";
import { DraftHybridStreamingAgent } from "../../src/agent/agent.js";
import type { Approve, CallRequest } from "../../src/agent/approval.js";
import type { TurnEvent } from "../../src/agent/turn.js";
import { createDraftStatePersistenceManager } from "../../src/create-manager.js";
import type { DraftStatePersistenceManager } from "../../src/manager.js";
import type { Message, ToolCall } from "../../src/model/conversation.js";
import { MemoryStorage } from "../../src/storage/memory.js";
import { ScriptedModel, type Saying } from "../doubles/scripted-model.js";

const ID = "tale";
const AT = "2026-01-14T21:30:00.000Z";

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  await Promise.all(closers.splice(0).map((close) => close()));
});

function world(...script: readonly Saying[]) {
  const storage = new MemoryStorage({ now: () => new Date(), command: "test" });
  // Nothing is saved but what the turn itself waits for.
  const managerOf = (): DraftStatePersistenceManager => {
    const manager = createDraftStatePersistenceManager({ storage, autoSave: false, realTimeSave: false });
    closers.push(() => manager.close());
    return manager;
  };
  const manager = managerOf();
  const model = new ScriptedModel(script);
  const called: string[] = [];
  let during: (name: string, signal: AbortSignal | undefined) => Promise<unknown> = () => Promise.resolve();
  const tools = ["look", "send"].map((name) =>
    tool(
      async (_args, config: { signal?: AbortSignal }) => {
        called.push(name);
        await during(name, config.signal);
        return `${name} done`;
      },
      { name, description: name, schema: z.looseObject({}) },
    ),
  );
  /** As another process reads them now. */
  const durable = async (): Promise<readonly Message[]> => (await managerOf().loadState(ID))?.messages ?? [];
  const run = async (
    prompt: string | undefined,
    { approve, onEvent }: { approve?: Approve; onEvent?: (event: TurnEvent) => void } = {},
    signal?: AbortSignal,
  ) => {
    const agent = new DraftHybridStreamingAgent({ model, manager, tools, ...(approve ? { approve } : {}) });
    const conversation = await manager.open(ID);
    let end: Extract<TurnEvent, { type: "end" }> | undefined;
    for await (const event of agent.runTurn(conversation, prompt, signal === undefined ? {} : { signal })) {
      onEvent?.(event);
      if (event.type === "end") end = event;
    }
    await conversation.close();
    return { status: end?.status, error: end?.error };
  };
  return {
    model,
    manager,
    called,
    durable,
    run,
    /** Leaves a conversation as a killed process does: where none of its calls was begun, that is known. */
    left: async (calls: readonly ToolCall[], ...results: readonly Message[]) => {
      await manager.saveState(ID, {
        messages: [
          { id: "u", role: "user", content: "Go", createdAt: AT },
          { id: "a", role: "assistant", content: "", createdAt: AT, status: "complete", toolCalls: calls },
          ...results,
          { id: "x", role: "assistant", content: "", createdAt: AT, status: "interrupted" },
        ],
      });
      if (calls.some(({ startedAt }) => startedAt !== undefined)) return;
      const conversation = await manager.open(ID);
      await conversation.setUnbegunCalls("a");
      await conversation.close();
    },
    during: (act: typeof during) => {
      during = act;
    },
    /** What the model was told last, as tools' results. */
    told: () =>
      model.given
        .at(-1)
        ?.filter((message) => message.type === "tool")
        .map(({ text }) => text) ?? [],
  };
}

const callsIn = (messages: readonly Message[]): readonly ToolCall[] =>
  messages.flatMap(({ toolCalls = [] }) => toolCalls);
const resultsIn = (messages: readonly Message[]): unknown[] =>
  messages.flatMap(({ role, toolCallId, content }) => (role === "tool" ? [[toolCallId, content]] : []));
const LOOK = { id: "c1", name: "look", args: {} };
const SEND = { id: "c2", name: "send", args: {} };
const LOST = expect.stringContaining("whether it took effect is not known") as unknown;

describe("a call of a tool", () => {
  test("is durable as asked for before anyone is asked, as begun before it runs, and its result before the model sees it", async () => {
    const { model, run, durable, during } = world([LOOK], "It rains.");
    const seen: unknown[] = [];
    during(async () => {
      seen.push(["runs", callsIn(await durable())[0]?.startedAt !== undefined]);
    });
    model.onRequest = async () => {
      seen.push(["model", resultsIn(await durable())]);
    };
    await run("Weather?", {
      approve: async () => {
        seen.push(["asked", callsIn(await durable())]);
        return "run" as const;
      },
    });
    expect(seen).toEqual([
      ["model", []],
      ["asked", [LOOK]],
      ["runs", true],
      ["model", [["c1", "look done"]]],
    ]);
  });

  test.each([undefined, null, true, "yes", {}, { refuse: 3 }])(
    "does not run where approve gives %j, which is USAGE",
    async (decision) => {
      const { run, called } = world([LOOK], "It rains.");
      const { status, error } = await run("Weather?", { approve: (() => decision) as unknown as Approve });
      expect([status, error, called]).toMatchObject(["interrupted", { code: "USAGE" }, []]);
    },
  );

  test("has begun before it runs also where a message came behind it while it waited", async () => {
    const { manager, run, durable, during } = world([LOOK], "It rains.");
    const began: unknown[] = [];
    during(async () => {
      began.push(callsIn(await durable()).map(({ startedAt }) => startedAt !== undefined));
    });
    await run("Weather?", {
      approve: async () => {
        manager.get(ID)?.update((draft) => {
          draft.messages.push({ id: "beside", role: "user", content: "And?", createdAt: "2026-01-14T21:30:00.000Z" });
        });
        return "run" as const;
      },
    });
    expect(began).toEqual([[true]]);
  });

  test("keeps its result at once where another of its round takes longer", async () => {
    const { run, durable, during, told } = world([LOOK, SEND], "Done.");
    let early: unknown;
    during(async (name) => {
      if (name !== "send") return;
      while (resultsIn(await durable()).length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
      early = resultsIn(await durable());
    });
    await run("Go");
    expect(early).toEqual([["c1", "look done"]]);
    expect(told()).toEqual(["look done", "send done"]);
  });

  test("that is refused never begins, and the model is told why", async () => {
    const { run, durable, called, told } = world([LOOK, SEND], "Well.");
    await run("Go", { approve: ({ name }) => (name === "send" ? { refuse: "Not by mail." } : "run") });
    expect(called).toEqual(["look"]);
    expect(told()).toEqual(["look done", "Not by mail."]);
    const messages = await durable();
    expect(callsIn(messages).map(({ startedAt }) => startedAt !== undefined)).toEqual([true, false]);
    expect(messages.find(({ toolCallId }) => toolCallId === "c2")?.error).toEqual({
      code: "REFUSED",
      message: "Not by mail.",
    });
  });

  test("that is stopped leaves the turn as it is, and is asked for again when it is resumed", async () => {
    const { run, durable, called } = world([LOOK, SEND], "Done.");
    const asked: string[] = [];
    const decisions: ("run" | "stop")[] = ["run", "stop", "run", "run"];
    const approve: Approve = ({ name }) => {
      asked.push(name);
      return decisions.shift() ?? "stop";
    };
    expect(await run("Go", { approve })).toMatchObject({ status: "interrupted", error: undefined });
    expect([called, callsIn(await durable())]).toEqual([[], [LOOK, SEND]]);
    expect(await run(undefined, { approve })).toMatchObject({ status: "complete" });
    expect([called, asked]).toEqual([
      ["look", "send"],
      ["look", "send", "look", "send"],
    ]);
    expect((await durable()).map(({ role }) => role)).toEqual(["user", "assistant", "tool", "tool", "assistant"]);
  });

  test("about which the asking fails ends the turn with that error, and stays", async () => {
    const { run, called, durable } = world([LOOK], "Done.");
    const approve = (): never => {
      throw new Error("nobody there");
    };
    expect(await run("Go", { approve })).toMatchObject({ status: "interrupted" });
    expect([called, callsIn(await durable())]).toEqual([[], [LOOK]]);
  });

  test("that the signal stops ends at once with a result that says so, also where its tool does not listen", async () => {
    const { run, during, durable } = world([LOOK], "Done.");
    const abort = new AbortController();
    during(() => {
      abort.abort();
      return new Promise(() => undefined);
    });
    expect(await run("Go", {}, abort.signal)).toMatchObject({ status: "interrupted" });
    const messages = await durable();
    expect(resultsIn(messages)).toEqual([["c1", LOST]]);
    expect(messages.find(({ role }) => role === "tool")?.error?.code).toBe("STOPPED");
  });

  test("is told to whoever watches before it is asked about, behind all that was said", async () => {
    const { run } = world([LOOK], "Done.");
    const seen: string[] = [];
    await run("Go", {
      approve: () => {
        seen.push("asked");
        return "run";
      },
      onEvent: ({ type }) => seen.push(type),
    });
    expect(seen.filter((each) => each !== "token")).toEqual(["start", "calls", "asked", "tools", "end"]);
  });
});

test("many rounds of calls leave no listeners on the turn's signal", async () => {
  const warnings: string[] = [];
  const onWarning = ({ name }: Error): void => void warnings.push(name);
  process.on("warning", onWarning);
  const rounds = Array.from({ length: 14 }, (_, index) => [{ ...LOOK, id: `c${index}` }]);
  const { run, called } = world(...rounds, "Done.");
  await run("Go");
  // A warning is told in the next turn of the event loop.
  await new Promise((resolve) => setImmediate(resolve));
  process.off("warning", onWarning);
  expect([called.length, warnings]).toEqual([14, []]);
});

describe("a call that an earlier process left", () => {
  const BEGUN = { ...LOOK, startedAt: AT };

  test("begun and without a result is not repeated by itself: the model is told", async () => {
    const { run, left, called, told, durable } = world("Let me look again.");
    await left([BEGUN]);
    expect(await run(undefined)).toMatchObject({ status: "complete" });
    expect(called).toEqual([]);
    expect(told()).toEqual([LOST]);
    expect((await durable()).find(({ toolCallId }) => toolCallId === "c1")?.error?.code).toBe("LOST");
  });

  test("is repeated where that is decided, and then begun anew", async () => {
    const { run, left, called, durable } = world("It rains.");
    const asked: CallRequest[] = [];
    await left([BEGUN]);
    await run(undefined, {
      approve: (request) => {
        asked.push(request);
        return "run";
      },
    });
    expect(asked).toEqual([{ conversationId: ID, ...BEGUN }]);
    expect(called).toEqual(["look"]);
    expect(callsIn(await durable())[0]?.startedAt).not.toBe(AT);
  });

  test("is asked about alone where the others have their results", async () => {
    const { run, left, called, told } = world("Done.");
    await left([LOOK, SEND], { id: "r", role: "tool", content: "rain", createdAt: AT, toolCallId: "c1" });
    await run(undefined);
    expect(called).toEqual(["send"]);
    expect(told()).toEqual(["rain", "send done"]);
  });

  test("is passed over where something else is said; of a begun one the model hears", async () => {
    const { run, left, called, told } = world("Hello.");
    await left([BEGUN, SEND]);
    await run("Never mind");
    expect(called).toEqual([]);
    expect(told()).toEqual([LOST, "[no result of this call was kept]"]);
  });

  test("of a tool that is not there any more gets an error", async () => {
    const { run, left, told } = world("Well.");
    await left([{ id: "c9", name: "fly", args: {} }]);
    await run(undefined);
    expect(told()).toEqual([expect.stringContaining('there is no tool named "fly"')]);
  });
});
