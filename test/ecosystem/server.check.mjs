/** `createEmbedServer` on draftstate, used by the client of @langchain/langgraph-sdk, and killed in the middle of a run. */
import { Client } from "@langchain/langgraph-sdk";
import { DraftstateSaver, DraftstateStore } from "draftstate/langgraph";
import { join } from "node:path";
import { expect, test } from "vitest";
import { directory, example, start } from "./programs.mjs";

const CONFIG = { streamMode: ["messages-tuple", "values"] };

async function serverIn(cwd) {
  const { match, ...server } = await start(
    await example("embed-server"),
    { cwd, env: { PORT: "0", LANGSMITH_TRACING: "false" } },
    /listening on (\S+)/,
  );
  return { ...server, client: new Client({ apiUrl: match[1], apiKey: null, callerOptions: { maxRetries: 0 } }) };
}

async function partsOf(stream) {
  const parts = [];
  for await (const { event, data } of stream) parts.push({ event, data });
  return parts;
}

test("threads, a run that is killed and resumed, an interrupt, state and history", async () => {
  const cwd = await directory();
  const first = await serverIn(cwd);
  const { thread_id: id } = await first.client.threads.create({ metadata: { user: "ann" } });
  await expect(first.client.threads.get("0199a9c4-0000-7000-8000-000000000001")).rejects.toThrow("404");
  const input = { messages: [{ role: "human", content: "a story" }] };
  const isUnderWay = async () => (await first.client.threads.getState(id)).next.includes("write");
  let shown = 0;
  try {
    for await (const { event } of first.client.runs.stream(id, "agent", { ...CONFIG, input })) {
      if (event === "messages") shown += 1;
      if (shown >= 5 && (await isUnderWay())) first.kill("SIGKILL");
    }
  } catch {
    // The connection went with the server.
  }
  expect(shown).toBeGreaterThanOrEqual(5);
  expect(await first.ended).toMatchObject({ signal: "SIGKILL" });

  const second = await serverIn(cwd);
  expect(await second.client.threads.search({ metadata: { user: "ann" } })).toMatchObject([
    { thread_id: id, metadata: { user: "ann", graph_id: "agent" } },
  ]);
  expect((await second.client.threads.getState(id)).next).toEqual(["write"]);
  const resumed = await partsOf(second.client.runs.stream(id, "agent", { ...CONFIG, input: null }));
  expect(resumed.filter(({ event }) => event === "error")).toEqual([]);
  expect(resumed.filter(({ event }) => event === "messages").length).toBeGreaterThan(20);
  const waiting = await second.client.threads.getState(id);
  expect(waiting.next).toEqual(["review"]);
  expect(waiting.tasks[0].interrupts).toMatchObject([{ value: "Who approves the story?" }]);
  await partsOf(second.client.runs.stream(id, "agent", { ...CONFIG, command: { resume: "Ann" } }));
  const { values, next } = await second.client.threads.getState(id);
  expect(next).toEqual([]);
  expect(values.messages.map(({ type }) => type)).toEqual(["human", "ai", "human"]);
  expect(values.messages[2].content).toBe("Approved by Ann.");
  const history = await second.client.threads.getHistory(id, { limit: 20 });
  expect(history.map(({ next: following }) => following)).toEqual([[], ["review"], ["write"], ["__start__"]]);
  await second.client.threads.updateState(id, {
    values: { messages: [{ role: "human", content: "again" }] },
    asNode: "review",
  });
  second.kill("SIGTERM");
  await second.ended;

  const saver = new DraftstateSaver({ stateDir: join(cwd, "state"), backupDir: join(cwd, "backup") });
  const store = new DraftstateStore({ manager: saver.manager });
  expect(await store.search(["approvals"])).toMatchObject([{ key: "Ann", value: { approved: true } }]);
  expect(await saver.partials({ configurable: { thread_id: id } })).toEqual([]);
  await saver.close();
  console.log({ shownBeforeTheKill: shown, chunksAfterIt: resumed.length, history: history.length });
});
