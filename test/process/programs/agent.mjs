/**
 * A ready-made agent with two tools, one of which asks a person. It resumes its thread wherever it was cut off, until the answer
 * is there, and kills itself at a step that it is told. Prints its steps and the messages at the end. Runs the built library.
 */
import { BaseChatModel } from "@langchain/core/language_models/chat_models";
import { AIMessage, HumanMessage } from "@langchain/core/messages";
import { tool } from "@langchain/core/tools";
import { Command, interrupt } from "@langchain/langgraph";
import { createReactAgent } from "@langchain/langgraph/prebuilt";
import { DraftstateSaver } from "../../../dist/langgraph.js";

const { settings, killAt } = JSON.parse(process.argv[2]);
let steps = 0;
function step() {
  steps += 1;
  if (steps === killAt) process.kill(process.pid, "SIGKILL");
}

/** What it says follows from the results so far, as a model's answer does. */
class Scripted extends BaseChatModel {
  _llmType() {
    return "scripted";
  }

  bindTools() {
    return this;
  }

  async _generate(messages) {
    step();
    const results = messages.filter((message) => message.getType() === "tool").map(({ text }) => text);
    const message = [
      () => called("search", { for: "flights" }, "call-1"),
      () => called("ask", { question: "Book it?" }, "call-2"),
      () => new AIMessage({ id: "answer", content: `Booked: ${results.join(", ")}` }),
    ][results.length]();
    return { generations: [{ text: message.text, message }] };
  }
}

const called = (name, args, id) =>
  new AIMessage({ id: `ai-${id}`, content: "", tool_calls: [{ type: "tool_call", name, args, id }] });
const schema = { type: "object", properties: {} };
const tools = [
  tool(
    () => {
      step();
      return "one flight";
    },
    { name: "search", description: "Finds flights.", schema },
  ),
  tool(
    ({ question }) => {
      step();
      return interrupt(question);
    },
    { name: "ask", description: "Asks the person.", schema },
  ),
];

/** Killed on either side of each write. */
class Watched extends DraftstateSaver {
  async put(...args) {
    step();
    const config = await super.put(...args);
    step();
    return config;
  }

  async putWrites(...args) {
    step();
    await super.putWrites(...args);
    step();
  }
}

const saver = new Watched({ ...settings, telemetry: false });
const agent = createReactAgent({ llm: new Scripted({}), tools, checkpointer: saver });
const config = { configurable: { thread_id: "t" }, durability: "sync" };

/** False once the answer is there. What a task wrote before a kill counts already in `values`, though its step has not ended. */
async function advance() {
  const { values, tasks } = await agent.getState(config);
  if (values.messages?.at(-1)?.id === "answer") return false;
  const isAsked = tasks.some(({ interrupts }) => interrupts.length > 0);
  const begin = values.messages === undefined ? { messages: [new HumanMessage("Book a flight.")] } : null;
  await agent.invoke(isAsked ? new Command({ resume: "yes" }) : begin, config);
  return true;
}

while (await advance());
const { values } = await agent.getState(config);
await saver.close();
const said = values.messages.map((message) => [
  message.getType(),
  message.text,
  message.tool_calls?.map(({ id }) => id),
]);
process.stdout.write(`${JSON.stringify({ steps, said })}\n`);
