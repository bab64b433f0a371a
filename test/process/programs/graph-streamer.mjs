/**
 * Someone's own graph, there to be killed: two nodes stream at the same time, and each token is printed once it is on disk. It
 * resumes the thread where it was cut off, without end. Runs the built library.
 */
import { AIMessageChunk, HumanMessage } from "@langchain/core/messages";
import { ChatGenerationChunk } from "@langchain/core/outputs";
import { SimpleChatModel } from "@langchain/core/language_models/chat_models";
import { MessagesAnnotation, START, StateGraph } from "@langchain/langgraph";
import { DraftstateSaver } from "../../../dist/langgraph.js";

const { settings, tokens: perAnswer, durability } = JSON.parse(process.argv[2]);
const saver = new DraftstateSaver({ ...settings, telemetry: false });

class Counter extends SimpleChatModel {
  constructor(name) {
    super({});
    this.speaker = name;
  }

  _llmType() {
    return "counter";
  }

  async _call() {
    return "";
  }

  async *_streamResponseChunks(messages, _options, run) {
    // Of this turn alone, so that what was said of one cannot be taken for another's.
    const turn = messages.filter((message) => message.getType() === "human").length;
    const log = run.handlers.find(({ name }) => name === "draftstate");
    for (let at = 1; at <= perAnswer; at += 1) {
      const text = `${this.speaker}${turn}.${at} `;
      const chunk = new ChatGenerationChunk({ text, message: new AIMessageChunk({ content: text }) });
      yield chunk;
      await run.handleLLMNewToken(text, undefined, undefined, undefined, undefined, { chunk });
      await log.durable();
      process.stdout.write(`${text}\n`);
    }
  }
}

const speak = (name) => async (state, config) => ({
  messages: [await new Counter(name).invoke(state.messages, config)],
});
const graph = new StateGraph(MessagesAnnotation)
  .addNode("left", speak("l"))
  .addNode("right", speak("r"))
  .addEdge(START, "left")
  .addEdge(START, "right")
  .compile({ checkpointer: saver });

const config = { configurable: { thread_id: "t" }, callbacks: [saver.tokens()], durability };
process.stdout.write("ready\n");
const { next } = await graph.getState(config);
if (next.length > 0) await graph.invoke(null, config);
for (;;) await graph.invoke({ messages: [new HumanMessage("go on")] }, config);
