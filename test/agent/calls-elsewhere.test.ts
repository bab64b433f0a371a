/**
 * A call that waits is made without asking only where it is known that it was not begun: in the history that it was asked for in. A state
 * that comes from another (a backup, a copy, an export, a save) never leads to a call by itself.
 */
import { tool } from "@langchain/core/tools";
import { describe, expect, test, vi } from "vitest";
import { z } from "zod";
import { DraftHybridStreamingAgent } from "../../src/agent/agent.js";
import { approveFresh, type Approve, type CallRequest } from "../../src/agent/approval.js";
import type { DraftStatePersistenceManager } from "../../src/manager.js";
import type { AgentState } from "../../src/model/conversation.js";
import { infoOf } from "../../src/model/conversation.js";
import type { MemoryStorage } from "../../src/storage/memory.js";
import type { Storage } from "../../src/storage/storage.js";
import { journalKey, snapshotKey, unbegunKey } from "../../src/store/names.js";
import { managerOver, memory } from "../doubles/managers.js";
import { ScriptedModel } from "../doubles/scripted-model.js";

const ID = "tale";
const SEND = { id: "c1", name: "send", args: {} };
const UNKNOWN = expect.stringContaining("restored, copied or recovered after this call was asked for") as unknown;

interface Run {
  readonly approve?: Approve;
  readonly onCall?: () => Promise<void>;
  readonly id?: string;
  readonly at?: MemoryStorage;
}

type Using = <T>(act: (manager: DraftStatePersistenceManager) => Promise<T>) => Promise<T>;

/** A conversation that waits with a call; each run is another process's. */
async function waiting() {
  const storage = memory();
  const sent: string[] = [];
  const run = async (prompt: string | undefined, { approve, onCall, id = ID, at = storage }: Run = {}) => {
    const manager = managerOver(at);
    const asked: CallRequest[] = [];
    const send = tool(
      async () => {
        sent.push(id);
        await onCall?.();
        return "sent";
      },
      { name: "send", description: "send", schema: z.looseObject({}) },
    );
    const agent = new DraftHybridStreamingAgent({
      manager,
      model: new ScriptedModel(prompt === undefined ? ["Done."] : [[SEND], "Done."]),
      tools: [send],
      approve: (request) => {
        asked.push(request);
        return (approve ?? approveFresh)(request);
      },
    });
    const conversation = await manager.open(id);
    for await (const _event of agent.runTurn(conversation, prompt));
    const { state } = conversation;
    await manager.close();
    return { asked, result: state.messages.find(({ role }) => role === "tool")?.content };
  };
  const using: Using = async (act) => {
    const manager = managerOver(storage);
    const result = await act(manager);
    await manager.close();
    return result;
  };
  await run("Go", { approve: () => "stop" });
  return { storage, sent, run, using };
}

describe("a call that waits", () => {
  test("is known to be fresh in another process", async () => {
    const { run, sent } = await waiting();
    expect(await run(undefined)).toEqual({ asked: [{ conversationId: ID, ...SEND }], result: "sent" });
    expect(sent).toEqual([ID]);
  });

  test("is fresh also where the present was left and restored while it waited", async () => {
    const { run, sent, using } = await waiting();
    await using(async (manager) => {
      const backup = await manager.backup(ID);
      await manager.saveState(ID, { ...(await manager.loadState(ID)), messages: [] });
      await manager.restore(ID, backup);
      await manager.undo(ID);
      await manager.redo(ID);
    });
    await run(undefined);
    expect(sent).toEqual([ID]);
  });

  test("is asked about by one process at a time, and is gone for the next", async () => {
    const { run, storage, sent } = await waiting();
    const other = managerOver(storage, { lockTimeout: 0 });
    let refused: unknown;
    await run(undefined, {
      approve: async () => {
        // The other process is not this one's: its manager knows nothing of the open handle.
        refused = await other.open(ID).catch((error: unknown) => error);
        return "run" as const;
      },
    });
    expect(refused).toMatchObject({ code: "LOCKED" });
    await other.close();
    expect((await run(undefined)).asked).toEqual([]);
    expect(sent).toEqual([ID]);
  });
});

describe("a call that was made is not made again without asking", () => {
  const histories: readonly [
    string,
    (manager: DraftStatePersistenceManager, before: Before) => Promise<unknown>,
    string?,
  ][] = [
    ["restored from a backup", (manager, { backup }) => manager.restore(ID, backup)],
    [
      "put back by the undo of a restore",
      async (manager, { backup }) => {
        const done = await manager.backup(ID);
        await manager.restore(ID, backup);
        await manager.restore(ID, done);
        await manager.undo(ID);
      },
    ],
    ["forked from a backup", (manager, { backup }) => manager.fork(ID, { backup, newId: "copy" }), "copy"],
    ["saved from elsewhere", (manager, { state }) => manager.saveState(ID, state)],
    [
      "imported under its own name",
      async (manager, { loaded }) => {
        await manager.remove(ID);
        const { state, metadata } = loaded;
        const version = { state, info: infoOf(metadata), revision: metadata.revision };
        await manager.import({ id: ID, version, points: [], at: metadata.savedAt });
      },
    ],
  ];

  type Before = { backup: string; state: AgentState; loaded: Loaded };
  type Loaded = NonNullable<Awaited<ReturnType<DraftStatePersistenceManager["load"]>>>;

  test.each(histories)("where its state is %s", async (_how, bring, id = ID) => {
    const { run, sent, using } = await waiting();
    const before = await using(async (manager) => {
      const [backup, state, loaded] = [
        await manager.backup(ID, { reason: "manual", tag: "waits" }),
        await manager.loadState(ID),
        await manager.load(ID),
      ];
      if (state === null || loaded === undefined) throw new TypeError("it is not there");
      return { backup, state, loaded };
    });
    await run(undefined);
    await using((manager) => bring(manager, before));
    const again = await run(undefined, { id });
    expect(sent).toEqual([ID]);
    expect(again.asked).toMatchObject([{ id: "c1", isElsewhere: true, startedAt: expect.any(String) as unknown }]);
    expect(again.result).toEqual(UNKNOWN);
  });

  test("where its copy in another store is resumed", async () => {
    const { run, sent, using } = await waiting();
    const there = memory();
    await using(async (manager) => {
      const target = managerOver(there);
      await manager.copyTo(target);
      await target.close();
    });
    await run(undefined);
    await run(undefined, { at: there });
    expect(sent).toEqual([ID]);
  });

  test("where a fork of what waits is resumed beside it", async () => {
    const { run, sent, using } = await waiting();
    await using((manager) => manager.fork(ID, { newId: "copy" }));
    expect((await run(undefined, { id: "copy" })).result).toEqual(UNKNOWN);
    await run(undefined);
    expect(sent).toEqual([ID]);
  });

  test.each(["its last record", "all of its beginning"])(
    "where the journal of a killed process is damaged: %s",
    async (what) => {
      const { run, sent, storage } = await waiting();
      const killed: { snapshot?: Uint8Array; journal?: Uint8Array } = {};
      await run(undefined, {
        onCall: async () => {
          const [snapshot, journal] = await Promise.all([storage.read(snapshotKey(ID)), storage.read(journalKey(ID))]);
          Object.assign(killed, { snapshot, journal });
        },
      });
      const text = Buffer.from(killed.journal ?? []).toString();
      const lines = text.trimEnd().split("\n");
      const first = lines.findIndex((line) => line.includes('"unbegunCalls":null'));
      const spoilt = lines.map((line, index) =>
        index >= (what === "its last record" ? lines.length - 1 : first) ? line.replace('"rev"', '"Rev"') : line,
      );
      expect(first).toBeGreaterThan(0);
      await storage.replace(snapshotKey(ID), killed.snapshot ?? new Uint8Array());
      await storage.replace(journalKey(ID), Buffer.from(`${spoilt.join("\n")}\n`));
      expect((await run(undefined)).asked).toMatchObject([{ id: "c1", startedAt: expect.any(String) as unknown }]);
      expect(sent).toEqual([ID]);
    },
  );

  test("where somebody puts a backup in the snapshot's place", async () => {
    const { run, sent, using, storage } = await waiting();
    const backup = await using((manager) => manager.backup(ID, { reason: "manual", tag: "waits" }));
    await run(undefined);
    const bytes = await storage.read({ area: "backup", name: `${ID}_${backup}.json` });
    await storage.replace(snapshotKey(ID), bytes ?? new Uint8Array());
    await storage.remove(journalKey(ID));
    await run(undefined);
    expect(sent).toEqual([ID]);
  });

  describe("where an older file comes back to the very place it was in", () => {
    test("by a copy there and back", async () => {
      const { run, sent, using } = await waiting();
      const there = memory();
      const target = managerOver(there);
      await using((manager) => manager.copyTo(target));
      await run(undefined);
      await using(async (manager) => {
        await manager.remove(ID, { purge: true });
        await target.copyTo(manager);
      });
      await target.close();
      expect((await run(undefined)).result).toEqual(UNKNOWN);
      expect(sent).toEqual([ID]);
    });

    test("by the undo of a removal whose first undo was cut off", async () => {
      const { run, sent, using, storage } = await waiting();
      const snapshot = (await storage.read(snapshotKey(ID))) ?? new Uint8Array();
      await using((manager) => manager.remove(ID));
      // The snapshot is in both places, as when the process dies between linking it and taking the other name away.
      await storage.replace(snapshotKey(ID), snapshot);
      await run(undefined, { approve: () => "run" });
      await using(async (manager) => {
        await manager.remove(ID);
        const [first] = (await manager.operations()).map(({ at }) => at).sort();
        if (first === undefined) throw new TypeError("nothing to undo");
        await manager.undo(ID, { at: first });
      });
      expect((await run(undefined)).result).toEqual(UNKNOWN);
      expect(sent).toEqual([ID]);
    });

    test.each(["once it was made", "once it was made from a backup in its place"])(
      "by another program, %s",
      async (when) => {
        const { run, sent, using, storage } = await waiting();
        const older = (await storage.read(snapshotKey(ID))) ?? new Uint8Array();
        if (when !== "once it was made") {
          const backup = await using((manager) => manager.backup(ID, { reason: "manual", tag: "waits" }));
          const bytes = await storage.read({ area: "backup", name: `${ID}_${backup}.json` });
          await storage.replace(snapshotKey(ID), bytes ?? new Uint8Array());
        }
        await run(undefined, { approve: () => "run" });
        expect(sent).toEqual([ID]);
        await storage.replace(snapshotKey(ID), older);
        await storage.remove(journalKey(ID));
        expect((await run(undefined)).result).toEqual(UNKNOWN);
        expect(sent).toEqual([ID]);
      },
    );
  });

  test("where an older file comes back while the next call waits", async () => {
    const { run, sent, storage } = await waiting();
    const older = (await storage.read(snapshotKey(ID))) ?? new Uint8Array();
    await run(undefined);
    await run("Again", { approve: () => "stop" });
    expect(await storage.list("history")).toHaveLength(1);
    await storage.replace(snapshotKey(ID), older);
    await storage.remove(journalKey(ID));
    expect((await run(undefined)).result).toEqual(UNKNOWN);
    expect(sent).toEqual([ID]);
  });

  test("and before it is made, what says that it was not is durably gone", async () => {
    const { run, storage } = await waiting();
    const settle = vi.spyOn(storage as Storage, "settle");
    let left: unknown;
    await run(undefined, {
      onCall: async () => {
        left = [await storage.list("history"), settle.mock.calls.filter(([area]) => area === "history")];
      },
    });
    expect(left).toEqual([[], [["history"]]]);
  });

  test.each([true, false])("and a removal leaves no trace of it (purge: %s)", async (purge) => {
    const { using, storage } = await waiting();
    expect(await storage.list("history")).toEqual([unbegunKey(ID).name]);
    await using((manager) => manager.remove(ID, { purge }));
    expect(await storage.list("history")).toEqual([]);
  });
});
