/** An answer as plain text, for pipes and plain terminals, and as lines of JSON. */
import { SafeTextStream } from "../terminal/text/safe-text.js";
import { toolPath } from "../tools/tool-path.js";
import { toolLines } from "./tool-lines.js";
import { requestNote, STALLED, type Presenter, type TurnContext, type TurnEvent } from "./session-types.js";

/** Text is made safe on the way to wherever it goes: a pipe may lead to a terminal. */
export function textPresenter(turn: TurnContext, onText: () => void): Presenter {
  const { output } = turn.context;
  const safe = new SafeTextStream();
  let lastText = "\n";
  const put = (text: string): void => {
    if (text === "") return;
    onText();
    output.data(text);
    lastText = text;
  };
  return {
    show(event) {
      if (event.type === "token") put(safe.push(event.text));
      else if (event.type === "stalled") output.warning(STALLED);
      else if (event.type === "tools")
        for (const line of toolLines(event, (name) => toolPath(turn.tools, name)))
          output.message(output.errorStyle.dim(line));
    },
    request(event) {
      const note = requestNote(event);
      if (note !== undefined) output.message(output.errorStyle.dim(note));
    },
    pause() {
      onText();
      if (output.isTerminal && !lastText.endsWith("\n")) put("\n");
      return () => undefined;
    },
    end() {
      put(safe.end());
      onText();
      if (!lastText.endsWith("\n")) output.data("\n");
    },
  };
}

export function jsonPresenter(turn: TurnContext): Presenter {
  const { conversation, context, chosen } = turn;
  let savedRevision = 0;
  const saved = (event: TurnEvent): void => {
    if (event.revision > conversation.durableRevision || event.revision <= savedRevision) return;
    savedRevision = event.revision;
    context.output.jsonLine({
      type: "saved",
      revision: event.revision,
      tokenCount: event.state.streamingProperties.tokenCount,
    });
  };
  return {
    show(event) {
      if (event.type === "start")
        context.output.jsonLine({
          type: "start",
          conversationId: conversation.id,
          model: chosen.agent.modelName ?? null,
        });
      else if (event.type === "token") {
        context.output.jsonLine({ type: "token", text: event.text });
        saved(event);
      } else if (event.type === "stalled") context.output.warning(STALLED);
      else if (event.type === "reasoning") {
        if (context.settings.reasoning) context.output.jsonLine({ type: "reasoning", text: event.text });
      } else if (event.type === "calls") context.output.jsonLine({ type: "calls", calls: event.calls });
      else if (event.type === "tools") context.output.jsonLine({ type: "tools", messages: event.messages });
      else {
        saved(event);
        if (event.error !== undefined)
          context.output.jsonLine({
            type: "error",
            code: event.error.code,
            message: context.output.worded(event.error.message),
          });
        context.output.jsonLine({
          type: "end",
          conversationId: conversation.id,
          status: event.status,
          revision: event.revision,
          usage: event.usage ?? null,
          ...(event.finishReason === undefined ? {} : { finishReason: event.finishReason }),
        });
      }
    },
    request(event) {
      const note = requestNote(event);
      if (note !== undefined) context.output.message(note);
    },
    pause: () => () => undefined,
    end() {},
  };
}
