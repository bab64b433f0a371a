/**
 * `chat`: streams an answer, saving as it goes. What it takes to do so is loaded when it is asked for, LangChain only when
 * a model is about to be.
 */
import { isDraftstateError } from "../../errors.js";
import type { ChatOptions } from "../chat/chat.js";
import { exitStatusOf } from "../exit-status.js";
import type { Register } from "./registration.js";

export const registerChat: Register = (program, run) => {
  program
    .command("chat [prompt...]")
    .summary("stream an answer, saving every token")
    .description(
      "Stream an answer, saving as it goes: a token is shown once it is on disk. The prompt comes from the arguments, from stdin, or both (stdin as context). Without one, on a terminal, a conversation begins.",
    )
    .option("--model <name>", "openai:<name>, <name>, or offline")
    .option("--base-url <url>", "an OpenAI-compatible server (Ollama, vLLM, llama.cpp, LM Studio)")
    .option("--system <prompt>", "the system prompt")
    .option("--seed <number>", "seed of the offline model")
    .option("--id <id>", "id of the new conversation")
    .option("-c, --continue", "go on with the last conversation")
    .option("--resume [id]", "go on with this one; without an id, on a terminal, choose one")
    .option("--fork <id[@backup]>", "begin a new one as this one is, or was")
    .option("-i, --interactive", "go on asking after the first answer")
    .option("--no-save-on-token", "do not save each token; show it at once")
    .option("--no-save", "keep nothing")
    .option("--plain", "the text as the model gives it: no Markdown, no wrapping")
    .addHelpText(
      "after",
      '\nExamples:\n  draftstate chat "Tell me a story"\n  draftstate chat -c "And then?"\n  git diff | draftstate chat "Review this" --model openai:gpt-4o-mini\n  draftstate chat --base-url http://localhost:11434/v1 --model llama3.2',
    )
    .action((words: string[], options: ChatOptions) =>
      run(async (context) => {
        try {
          const { chat } = await import("../chat/chat.js");
          return await chat(words, options, context);
        } catch (error) {
          if (!context.json || !isDraftstateError(error)) throw error;
          const { code, message, path } = error;
          context.output.jsonLine({ type: "error", code, message, error: { code, message, path: path ?? null } });
          context.output.error(message);
          return exitStatusOf(error);
        }
      }),
    );
};
