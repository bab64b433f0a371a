/**
 * An agent asks a person before it acts, and the answer comes to another process: the first one is gone by then.
 *   node examples/human-in-the-loop.mjs            asks
 *   node examples/human-in-the-loop.mjs yes        resumes
 */
import { HumanMessage } from "@langchain/core/messages";
import { Command, interrupt, MessagesAnnotation, START, StateGraph } from "@langchain/langgraph";
import { DraftstateSaver } from "draftstate/langgraph";

const [answer] = process.argv.slice(2);
const saver = new DraftstateSaver({ stateDir: "state", backupDir: "backup" });
const graph = new StateGraph(MessagesAnnotation)
  .addNode("book", () => {
    const said = interrupt({ question: "Book the flight to Bonn?" });
    return { messages: [new HumanMessage(`the person said: ${said}`)] };
  })
  .addEdge(START, "book")
  .compile({ checkpointer: saver });

const config = { configurable: { thread_id: "flight" } };
if (answer === undefined) {
  await graph.invoke({ messages: [new HumanMessage("to Bonn, please")] }, config);
  const { tasks } = await graph.getState(config);
  console.log(tasks[0].interrupts[0].value.question);
} else {
  const { messages } = await graph.invoke(new Command({ resume: answer }), config);
  console.log(messages.at(-1).content);
}
await saver.close();
