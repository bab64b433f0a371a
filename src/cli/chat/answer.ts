/** One answer on the screen or as JSON lines: shown as the agent gives it, which is once it is durable. */
import type { DraftHybridStreamingAgent } from "../../agent/agent.js";
import type { TurnEvent } from "../../agent/turn.js";
import type { Conversation } from "../../persistence/conversation-handle.js";
import type { CommandContext } from "../context.js";
import { exitStatusOf, INTERRUPTED } from "../exit-status.js";
import { toSafeLine, SafeTextStream } from "../terminal/safe-text.js";
import { startSpinner } from "../terminal/spinner.js";
import { catchInterrupts } from "../terminal/interrupts.js";

export interface TurnContext {
  readonly agent: DraftHybridStreamingAgent;
  readonly conversation: Conversation;
  readonly context: CommandContext;
  readonly baseUrl: string | undefined;
  readonly title: string | undefined;
}

const STALLED = "the disk is slow: what you see now is not saved yet";

interface Presenter {
  show(event: TurnEvent): void;
  end(): void;
}

/** Text is made safe on the way to wherever it goes: a pipe may lead to a terminal. */
function textPresenter(turn: TurnContext, stopSpinner: () => void): Presenter {
  const { output } = turn.context;
  const safe = new SafeTextStream();
  let lastText = "\n";
  const put = (text: string): void => {
    if (text === "") return;
    stopSpinner();
    output.data(text);
    lastText = text;
  };
  return {
    show(event) {
      if (event.type === "token") put(safe.push(event.text));
      else if (event.type === "stalled") output.warning(STALLED);
      else if (event.type === "tools") for (const message of event.messages) output.message(output.errorStyle.dim(toSafeLine(`⚙ ${message.name ?? "tool"}`)));
    },
    end() {
      put(safe.end());
      stopSpinner();
      if (!lastText.endsWith("\n")) output.data("\n");
    },
  };
}

function jsonPresenter(turn: TurnContext): Presenter {
  const { conversation, context, agent } = turn;
  let savedRevision = 0;
  const saved = (event: TurnEvent): void => {
    if (event.revision > conversation.durableRevision || event.revision <= savedRevision) return;
    savedRevision = event.revision;
    context.output.jsonLine({ type: "saved", revision: event.revision, tokenCount: event.state.streamingProperties.tokenCount });
  };
  return {
    show(event) {
      if (event.type === "start") context.output.jsonLine({ type: "start", conversationId: conversation.id, model: agent.modelName ?? null });
      else if (event.type === "token") {
        context.output.jsonLine({ type: "token", text: event.text });
        saved(event);
      } else if (event.type === "stalled") context.output.warning(STALLED);
      else if (event.type === "tools") context.output.jsonLine({ type: "tools", messages: event.messages });
      else {
        saved(event);
        if (event.error !== undefined) context.output.jsonLine({ type: "error", code: event.error.code, message: event.error.message });
        context.output.jsonLine({ type: "end", conversationId: conversation.id, status: event.status, revision: event.revision, usage: event.usage ?? null });
      }
    },
    end() {},
  };
}

/** Shows one turn to its end; the exit status it would mean. Throws what could not be saved. */
export async function answerTo(turn: TurnContext, prompt: string | undefined): Promise<number> {
  const { agent, conversation, context, baseUrl, title } = turn;
  const { output } = context;
  const abort = new AbortController();
  const interrupts = catchInterrupts(() => { abort.abort(); });
  output.onClosed(() => { abort.abort(); });
  const spinner = output.mayMoveCursor && !output.quiet && !context.json ? await startSpinner("thinking …") : undefined;
  const presenter = context.json ? jsonPresenter(turn) : textPresenter(turn, () => spinner?.stop());
  let ended: Extract<TurnEvent, { type: "end" }> | undefined;
  try {
    const options = { signal: abort.signal, ...(title === undefined ? {} : { title }), ...(baseUrl === undefined ? {} : { baseUrl }) };
    for await (const event of agent.runTurn(conversation, prompt, options)) {
      presenter.show(event);
      if (event.type === "end") ended = event;
    }
  } finally {
    presenter.end();
    interrupts.release();
  }
  if (ended?.error !== undefined) output.error(ended.error.message);
  if (output.isClosed) return 0;
  if (abort.signal.aborted) return interrupts.status ?? INTERRUPTED;
  return ended?.error === undefined ? 0 : exitStatusOf(ended.error);
}
