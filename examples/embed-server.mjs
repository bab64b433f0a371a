/**
 * A LangGraph API server on files. It needs @langchain/langgraph-api and @hono/node-server beside draftstate. Use it with the Client
 * of @langchain/langgraph-sdk; kill it in the middle of a run, start it again, and resume the run with `input: null`.
 *   node examples/embed-server.mjs
 */
import { serve } from "@hono/node-server";
import { createEmbedServer } from "@langchain/langgraph-api/experimental/embed";
import { interrupt, MessagesAnnotation, START, StateGraph } from "@langchain/langgraph";
import { OfflineStoryModel } from "draftstate/agent";
import { DraftstateSaver, DraftstateStore, DraftstateThreads } from "draftstate/langgraph";

const saver = new DraftstateSaver({ stateDir: "state", backupDir: "backup" });
const store = new DraftstateStore({ manager: saver.manager });
const threads = new DraftstateThreads(saver);

const model = new OfflineStoryModel({ tokenDelay: 30 });
const agent = new StateGraph(MessagesAnnotation)
  .addNode("write", async ({ messages }) => ({ messages: [await model.invoke(messages)] }))
  .addNode("review", async (_, { store: memories }) => {
    const by = interrupt("Who approves the story?");
    await memories.put(["approvals"], by, { approved: true });
    return { messages: [{ role: "human", content: `Approved by ${by}.` }] };
  })
  .addEdge(START, "write")
  .addEdge("write", "review")
  .compile()
  .withConfig({ callbacks: [saver.tokens()] });

const { fetch } = createEmbedServer({ graph: { agent }, checkpointer: saver, store, threads });
const server = serve({ fetch, port: Number(process.env.PORT ?? 2024), hostname: "127.0.0.1" }, ({ port }) => {
  console.log(`listening on http://127.0.0.1:${port}`);
});
process.once("SIGTERM", () => {
  server.close();
  void saver.close();
});
