/** A note on stderr until the first text of an answer that is not drawn on the terminal. */
import { toSafeLine } from "../terminal/text/safe-text.js";
import type { Screen } from "../terminal/screen/screen.js";
import { truncateToWidth } from "../terminal/text/width.js";
import { statusLineFor } from "./status-line.js";
import type { RequestEvent, TurnContext } from "./session-types.js";

/** Milliseconds. */
const TICK = 100;

export interface WaitingNote {
  readonly request: (event: RequestEvent) => void;
  readonly thinks: () => void;
  readonly end: () => void;
}

export function waitingNote(turn: TurnContext, screen: Screen): WaitingNote {
  const { context } = turn;
  if (context.output.quiet) return { request: () => undefined, thinks: () => undefined, end: () => undefined };
  const status = statusLineFor(turn);
  let ended = false;
  const draw = (): void => {
    const text = truncateToWidth(toSafeLine(status.text), screen.columns - 1);
    if (!ended) screen.show([context.output.errorStyle.dim(text)]);
  };
  const timer = setInterval(() => {
    status.tick();
    draw();
  }, TICK);
  draw();
  return {
    request(event) {
      status.request(event);
      draw();
    },
    thinks() {
      status.thinks();
    },
    end() {
      if (ended) return;
      ended = true;
      clearInterval(timer);
      screen.show([]);
    },
  };
}
