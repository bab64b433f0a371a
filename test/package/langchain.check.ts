/** `draftstate/agent` beside other versions of LangChain than the one it was built with: it compiles, and it streams. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { pack, Project, removePacked, type Packed } from "./installed.js";

/** The ends of the ranges in package.json, and one between. */
const VERSIONS = [
  ["oldest", ["@langchain/core@1.1.48", "@langchain/langgraph@1.4.0"]],
  ["middle", ["@langchain/core@1.3.4", "@langchain/langgraph@1.7.0"]],
  ["newest", ["@langchain/core@latest", "@langchain/langgraph@latest"]],
] as const;

const AGENT = `
import { createDraftStatePersistenceManager } from "draftstate";
import { DraftHybridStreamingAgent, OfflineStoryModel } from "draftstate/agent";
import { FakeListChatModel } from "@langchain/core/utils/testing";
import { tool } from "@langchain/core/tools";
const add = tool(({ a }: { a: number }) => String(a + 1), {
  name: "add", description: "adds one", schema: { type: "object", properties: { a: { type: "number" } } },
});
const manager = createDraftStatePersistenceManager({ stateDir: "state", backupDir: "backup" });
export const agents = [
  new DraftHybridStreamingAgent({ manager, model: new FakeListChatModel({ responses: ["Once"] }), tools: [add] }),
  new DraftHybridStreamingAgent({ manager, model: new OfflineStoryModel() }),
];
`;

const STREAM = `
import { createDraftStatePersistenceManager } from "draftstate";
import { DraftHybridStreamingAgent } from "draftstate/agent";
const manager = createDraftStatePersistenceManager({ stateDir: "state", backupDir: "backup" });
let last;
for await (const state of new DraftHybridStreamingAgent({ manager }).streamConversation("Tell me a story")) last = state;
console.log(last.messages.at(-1).status, (await manager.ids()).length);
await manager.close();
`;

let packed: Packed;
beforeAll(async () => {
  packed = await pack();
}, 60_000);
afterAll(() => removePacked(packed));

test.each(VERSIONS)("with the %s LangChain", { timeout: 300_000 }, async (name, packages) => {
  const project = await Project.create(packed, name, packages);
  expect(await project.compile({ "app.ts": AGENT })).toEqual({ status: 0, output: "" });
  expect(await project.runModule(STREAM)).toEqual({ status: 0, output: "complete 1\n" });
});
