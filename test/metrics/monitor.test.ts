/** What a manager counts, keeps, raises and logs as it saves, and that nothing of it ever costs a save. */
import { describe, expect, test } from "vitest";
import { totalOf, valueOf } from "../../src/monitoring/figures.js";
import type { Alert } from "../../src/monitoring/alerts.js";
import type { HttpPost } from "../../src/monitoring/webhook.js";
import type { LogEntry, LogLevel } from "../../src/metrics/event-log.js";
import { DraftStatePersistenceManager, type ManagerEnvironment, type ManagerOptions } from "../../src/manager.js";
import { FaultyFileSystem } from "../doubles/faulty-file-system.js";
import { answering } from "../doubles/answering.js";
import { begin, end, memory, START, turn } from "../doubles/managers.js";
import { SimulatedFileSystem } from "../doubles/simulated-file-system.js";
import { storageOver } from "../doubles/storage-over.js";

function managerIn(world: Partial<ManagerEnvironment>, options: ManagerOptions = {}): DraftStatePersistenceManager {
  let at = START;
  const environment = {
    storage: memory(),
    now: () => new Date((at += 1)),
    elapsed: () => performance.now(),
    random: Math.random,
    ...world,
  };
  return new DraftStatePersistenceManager(environment, { autoSave: false, retryDelay: 0, ...options });
}

async function answer(manager: DraftStatePersistenceManager, id: string, ...tokens: string[]): Promise<void> {
  const conversation = await manager.open(id);
  begin(conversation, "Hi");
  const meter = manager.monitor.beginAnswer(id, "offline");
  for (const token of tokens) {
    meter.token(token);
    conversation.appendToken(token);
  }
  meter.end("complete");
  end(conversation);
  await conversation.endTurn();
  await conversation.close();
}

describe("metrics", () => {
  test("what is saved is counted by kind, for the store, the conversation and the day", async () => {
    const storage = memory();
    const manager = managerIn({ storage });
    await answer(manager, "tale", "Once", " upon", "…");
    const { data, gauges } = await manager.metrics();
    expect(totalOf(data, "draftstate_tokens_total")).toBe(3);
    expect(totalOf(data, "draftstate_text_bytes_total")).toBe(12);
    expect(valueOf(data, "draftstate_answers_total", "complete")).toBe(1);
    expect(valueOf(data, "draftstate_backups_total", "turn")).toBe(1);
    const statistics = manager.getSaveStatistics();
    expect(valueOf(data, "draftstate_saves_total", "journal")).toBe(statistics.journalBatches);
    expect(valueOf(data, "draftstate_saves_total", "snapshot")).toBe(statistics.snapshots);
    expect(totalOf(data, "draftstate_saved_bytes_total")).toBe(statistics.bytesWritten);
    expect(statistics).toMatchObject({
      queuedSaves: 0,
      isSaving: false,
      autoSaveEnabled: false,
      autoSaveInterval: 1000,
      tokens: 3,
      answers: 1,
    });
    expect(statistics.saveDurationMs?.p50).toBeGreaterThan(0);
    expect(data.conversations["tale"]).toMatchObject({ tokens: 3, textBytes: 12, answers: 1, backups: 1 });
    expect(data.days["2026-01-14"]).toEqual(data.conversations["tale"]);
    expect(gauges).toMatchObject({ draftstate_conversations: { "": 1 }, draftstate_queue_depth: { "": 0 } });
    await manager.close();
  });

  test("counts outlive the manager and add up over several, also those that are open at once", async () => {
    const storage = memory();
    const [one, two] = [managerIn({ storage }), managerIn({ storage })];
    await Promise.all([answer(one, "a", "x"), answer(two, "b", "x", "y")]);
    await Promise.all([one.close(), two.close()]);
    const three = managerIn({ storage });
    await answer(three, "c", "z");
    const { data } = await three.metrics();
    expect(totalOf(data, "draftstate_tokens_total")).toBe(4);
    expect(Object.keys(data.conversations).sort()).toEqual(["a", "b", "c"]);
    await three.close();
  });

  test("a recovery is counted with the damage that was found", async () => {
    const storage = memory();
    const writer = managerIn({ storage });
    const conversation = await writer.open("tale");
    begin(conversation, "Hi");
    conversation.appendToken("Once");
    await conversation.flush();
    await storage.breakLock("tale");
    const heir = managerIn({ storage });
    await (await heir.open("tale")).close();
    expect(valueOf((await heir.metrics()).data, "draftstate_recoveries_total", "interrupted")).toBe(1);
    await heir.close();
  });

  test("a manager that only reads writes nothing", async () => {
    const storage = memory();
    await answer(managerIn({ storage }, { metrics: false }), "tale", "x");
    const reader = managerIn({ storage });
    await reader.list();
    await reader.metrics();
    await reader.close();
    expect(await storage.list("metrics")).toEqual([]);
  });

  test("tokens cost no write of metrics: one file at the end", async () => {
    const fs = new FaultyFileSystem(new SimulatedFileSystem());
    const storage = storageOver(fs);
    const manager = managerIn({ storage }, { saveOnToken: true });
    const conversation = await manager.open("tale");
    answering(conversation);
    for (let token = 0; token < 200; token += 1) {
      conversation.appendToken("x");
      await conversation.flush();
    }
    expect(await storage.list("metrics")).toEqual([]);
    await manager.close();
    expect(await storage.list("metrics")).toHaveLength(1);
  });

  test("metrics that cannot be kept fail no save and no close, and are told once", async () => {
    const storage = memory();
    const broken = new Proxy(storage, {
      get: (target, name) => {
        if (name === "create" || name === "list") {
          return (key: { area?: string } | string, ...rest: never[]) => {
            if (key === "metrics" || (typeof key === "object" && key.area === "metrics"))
              return Promise.reject(new Error("no room"));
            return (Reflect.get(target, name) as (...all: unknown[]) => unknown).call(target, key, ...rest);
          };
        }
        const value: unknown = Reflect.get(target, name);
        return typeof value === "function" ? (value.bind(target) as unknown) : value;
      },
    });
    const manager = managerIn({ storage: broken });
    const told: string[] = [];
    manager.on("monitoringError", ({ source }) => void told.push(source));
    await answer(manager, "tale", "Once");
    await manager.close();
    expect(told).toEqual(["metrics"]);
    expect(await managerIn({ storage }).loadState("tale")).toMatchObject({ currentNarrative: "Once" });
  });
});

describe("alerts", () => {
  const RULE = { metric: 'draftstate_save_errors_total{code="STORAGE"}', above: 0 };

  async function failASave(
    post?: HttpPost,
  ): Promise<{ alerts: Alert[]; saveError: unknown; manager: DraftStatePersistenceManager }> {
    const fs = new FaultyFileSystem(new SimulatedFileSystem());
    const options = {
      alerts: [RULE],
      retryAttempts: 0,
      ...(post === undefined ? {} : { alertWebhook: "http://127.0.0.1/hook" }),
    };
    const manager = managerIn({ storage: storageOver(fs), post }, options);
    const alerts: Alert[] = [];
    manager.on("alert", (alert) => void alerts.push(alert));
    const conversation = await manager.open("tale");
    fs.setFault({ code: "ENOSPC", at: 1, lasting: "from-then-on", only: ["createFile", "write"] });
    begin(conversation, "my secret words");
    const saveError = await conversation.flush().then(
      () => undefined,
      (error: unknown) => error,
    );
    fs.clearFault();
    await conversation.flush();
    return { alerts, saveError, manager };
  }

  test("a failed save raises one, at once", async () => {
    const { alerts, saveError, manager } = await failASave();
    expect(saveError).toMatchObject({ code: "STORAGE" });
    expect(alerts).toEqual([
      expect.objectContaining({
        state: "firing",
        metric: RULE.metric,
        value: 1,
        threshold: 0,
        rule: `${RULE.metric} above 0`,
      }),
    ]);
    await manager.close();
  });

  test("it is posted to the webhook, without a word of the conversation", async () => {
    const posted: string[] = [];
    const { manager } = await failASave((_url, body) => {
      posted.push(body);
      return Promise.resolve({ status: 200 });
    });
    await manager.close();
    expect(posted).toHaveLength(1);
    expect(JSON.parse(posted[0] ?? "")).toMatchObject({ source: "draftstate", state: "firing", metric: RULE.metric });
    expect(posted.join()).not.toContain("secret");
  });

  test("a webhook that never answers fails no save, and closing ends in a bounded time", async () => {
    const told: string[] = [];
    const { manager, alerts } = await failASave(
      (_url, _body, signal) =>
        new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason as Error))),
    );
    manager.on("monitoringError", ({ message }) => void told.push(message));
    expect(alerts).toHaveLength(1);
    await manager.close();
    expect(told).toEqual([expect.stringContaining("not delivered")]);
  });

  test("a gauge of the disk is looked at as soon as a conversation opens", async () => {
    const fs = new SimulatedFileSystem();
    fs.room = { freeBytes: 1000, totalBytes: 2000 };
    const manager = managerIn(
      { storage: storageOver(fs) },
      { alerts: [{ metric: "draftstate_free_bytes", below: 1e6 }] },
    );
    const raised = new Promise<Alert>((resolve) => manager.on("alert", resolve));
    await manager.open("tale");
    expect(await raised).toMatchObject({ state: "firing", value: 1000, direction: "below" });
    await manager.close();
  });
});

describe("logs", () => {
  function logger(): { lines: (readonly [LogLevel, LogEntry])[]; logger: Record<LogLevel, (entry: LogEntry) => void> } {
    const lines: (readonly [LogLevel, LogEntry])[] = [];
    const at = (level: LogLevel) => (entry: LogEntry) => void lines.push([level, entry]);
    return { lines, logger: { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") } };
  }

  test("each event is one flat entry with its level, and no text of the conversation is in any", async () => {
    const storage = memory();
    const { lines, logger: log } = logger();
    const manager = managerIn({ storage, logger: log });
    await answer(manager, "tale", "my-secret-token");
    await manager.close();
    await storage.replace({ area: "state", name: "tale.json" }, Buffer.from("my-secret-token, damaged"));
    const heir = managerIn({ storage, logger: log });
    await (await heir.open("tale")).close();
    await heir.close();
    expect(new Set(lines.map(([level, { event }]) => `${level} ${event}`))).toEqual(
      new Set(["debug stateSaved", "info backupCreated", "info answerEnded", "warn recovered"]),
    );
    for (const [, entry] of lines)
      for (const value of Object.values(entry))
        expect(["string", "number", "boolean"]).toContain(value === null ? "string" : typeof value);
    expect(lines.find(([, { event }]) => event === "recovered")?.[1]).toMatchObject({
      conversationId: "tale",
      problems: "snapshot-damaged",
    });
    expect(JSON.stringify(lines)).not.toContain("my-secret");
  });

  test("a logger that throws harms no save", async () => {
    const fail = (): never => {
      throw new Error("the log is full");
    };
    const manager = managerIn({ logger: { debug: fail, info: fail, warn: fail, error: fail } });
    const conversation = await manager.open("tale");
    await turn(conversation, "Hi", "a");
    await manager.close();
  });
});
