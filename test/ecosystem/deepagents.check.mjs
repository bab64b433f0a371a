/** A deep agent (files, a subagent) on draftstate: its thread is resumed, and its memory read, by another saver. */
import { BaseChatModel } from "@langchain/core/language_models/chat_models";
import { AIMessage, HumanMessage } from "@langchain/core/messages";
import { createDeepAgent } from "deepagents";
import { DraftstateSaver, DraftstateStore } from "draftstate/langgraph";
import { join } from "node:path";
import { expect, test } from "vitest";
import { directory } from "./programs.mjs";

/** Says what was written for it, one answer after another; the same for every agent that shares the list. */
class Scripted extends BaseChatModel {
  constructor(answers) {
    super({});
    this.answers = answers;
  }

  _llmType() {
    return "scripted";
  }

  bindTools() {
    return this;
  }

  async _generate() {
    const message = this.answers.shift() ?? new AIMessage("Done.");
    return { generations: [{ text: message.text, message }] };
  }
}

const call = (name, args, id) => new AIMessage({ content: "", tool_calls: [{ type: "tool_call", name, args, id }] });

test("a deep agent writes a file and asks a subagent; the next process goes on", async () => {
  const cwd = await directory();
  const options = { stateDir: join(cwd, "state"), backupDir: join(cwd, "backup") };
  const answers = [
    call("write_file", { file_path: "/notes.md", content: "The harbour was quiet." }, "c1"),
    call("task", { description: "Read it.", subagent_type: "general-purpose" }, "c2"),
    new AIMessage("The subagent has read it."),
    new AIMessage("Finished."),
  ];
  const agentOn = (saver) =>
    createDeepAgent({
      model: new Scripted(answers),
      checkpointer: saver,
      store: new DraftstateStore({ manager: saver.manager }),
    });
  const config = { configurable: { thread_id: "deep" } };
  const first = new DraftstateSaver(options);
  const state = await agentOn(first).invoke({ messages: [new HumanMessage("Write notes.")] }, config);
  expect(state.messages.at(-1).text).toBe("Finished.");
  console.log(state.messages.map((message) => `${message.getType()}: ${message.text.slice(0, 90)}`));
  await first.close();

  const second = new DraftstateSaver(options);
  const { values } = await agentOn(second).getState(config);
  expect(Object.keys(values.files)).toEqual(["/notes.md"]);
  expect(values.messages).toHaveLength(state.messages.length);
  answers.push(call("read_file", { file_path: "/notes.md" }, "c3"), new AIMessage("It says: quiet."));
  const next = await agentOn(second).invoke({ messages: [new HumanMessage("Read it.")] }, config);
  expect(next.messages.at(-2).text).toContain("The harbour was quiet.");
  await second.close();
});
