/**
 * Someone's own graph with the token log: ten lines of graph, one of draftstate in its config. Run it, kill it in the middle of the
 * answer (Ctrl-C), run it again: the part of the answer that was shown is there, and is kept as an interrupted message.
 *   node examples/token-log.mjs
 */
import { HumanMessage } from "@langchain/core/messages";
import { MessagesAnnotation, START, StateGraph } from "@langchain/langgraph";
import { OfflineStoryModel } from "draftstate/agent";
import { DraftstateSaver } from "draftstate/langgraph";

const saver = new DraftstateSaver({ stateDir: "state", backupDir: "backup" });
const model = new OfflineStoryModel({ tokenDelay: 30 });
const graph = new StateGraph(MessagesAnnotation)
  .addNode("story", async ({ messages }) => ({ messages: [await model.invoke(messages)] }))
  .addEdge(START, "story")
  .compile({ checkpointer: saver });

const tokens = saver.tokens();
const config = { configurable: { thread_id: "story" }, callbacks: [tokens] };
for (const partial of await saver.partials(config)) {
  console.log(`cut off: ${partial.text.length} characters of ${partial.node}'s answer are kept`);
  await saver.keepPartial(graph, config, partial);
}
const stream = await graph.stream({ messages: [new HumanMessage("a story")] }, { ...config, streamMode: "messages" });
for await (const [chunk] of stream) {
  await tokens.durable();
  process.stdout.write(chunk.text);
}
process.stdout.write("\n");
await saver.close();
