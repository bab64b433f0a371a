/**
 * `chat`: streams an answer, saving as it goes. What it needs is loaded when the command runs, LangChain only when a model
 * is chosen.
 */
import { Option } from "commander";
import { isDraftstateError } from "../../errors.js";
import type { ChatOptions } from "../chat/chat.js";
import { exitStatusOf } from "../exit-status.js";
import { choiceOption } from "../arguments/choice.js";
import { collect } from "../arguments/collect.js";
import { withOption } from "../settings/model-options.js";
import type { Register } from "./registration.js";

export const registerChat: Register = (program, run) => {
  program
    .command("chat [prompt...]")
    .summary("stream an answer, saving every token")
    .description(
      "Stream an answer, saving as it goes: a token is shown once it is on disk. The prompt comes from the arguments, from stdin, or both (stdin as context). Without a prompt, on a terminal, an interactive session starts.",
    )
    .option("--model <model>", "model to use: <provider>:<name>, <name>, an alias, or offline")
    .option("--temperature <number>", "how freely the model chooses its words (0 to 2)")
    .option("--max-tokens <number>", "most tokens of an answer")
    .addOption(
      new Option("-o, --options <name=value>", "an option of the model's LangChain class; may be repeated").argParser(
        withOption,
      ),
    )
    .option("--no-reasoning", "do not show what the model thinks")
    .option("--base-url <url>", "URL of an OpenAI-compatible server (Ollama, vLLM, llama.cpp, LM Studio)")
    .option("--system <prompt>", "the system prompt")
    .option("--idle-timeout <ms>", "milliseconds that a server may be silent (default: 240000; 0 waits for ever)")
    .option("--seed <number>", "seed of the offline model")
    .option("--id <id>", "id of the new conversation")
    .option("-c, --continue", "resume the last conversation")
    .option("--resume [id]", "resume this conversation; without an id, pick one from a list")
    .option("--fork <id[@backup]>", "start a copy of this conversation, or of one of its backups")
    .option("-i, --interactive", "continue at a prompt after the first answer")
    .option("--no-save-on-token", "do not save each token before showing it")
    .option("--tracing", "send the runs to LangSmith, too (LANGSMITH_API_KEY, LANGSMITH_ENDPOINT)")
    .option("--mcp <file>", "let the model call tools of these MCP servers: a file with mcpServers")
    .option("--tool <server/tool>", "offer only this tool, or this server's; can be repeated", collect)
    .option("--allow-tool <pattern>", "let the model call these without asking: <server>/<tool>, * for any", collect)
    .option("--yes-tools", "let the model call every tool without asking")
    .addOption(
      choiceOption("--lost-calls <what>", "a call that was begun and has no result: make it again, or tell the model", [
        "repeat",
        "error",
      ]),
    )
    .option("--no-save", "do not save the conversation")
    .option("--plain", "print the text as the model sends it: no Markdown, no wrapping")
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
          const { code, path } = error;
          const message = context.output.worded(error.message);
          context.output.jsonLine({ type: "error", code, message, error: { code, message, path: path ?? null } });
          context.output.error(error.message);
          return exitStatusOf(error);
        }
      }),
    );
};
