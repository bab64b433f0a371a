/** One answer, shown as the agent gives it, which is once it is durable; and what stops it. */
import { exitStatusOf, INTERRUPTED } from "../exit-status.js";
import { catchInterrupts, type Interrupts } from "../terminal/input/interrupts.js";
import type { Key } from "../terminal/input/keys.js";
import { toSafeLine } from "../terminal/text/safe-text.js";
import { approverFor } from "./approver.js";
import { silenceConsole } from "./silent-console.js";
import { jsonPresenter, textPresenter } from "./presenters.js";
import { cutShortLine, errorLine } from "./ending.js";
import { requestWarning, type Presenter, type TurnContext, type TurnEvent } from "./session-types.js";

type Ended = Extract<TurnEvent, { type: "end" }>;

/** What draws on a terminal is loaded only where there is one. */
async function presenterFor(turn: TurnContext): Promise<Presenter> {
  if (turn.context.json) return jsonPresenter(turn);
  const { console } = turn;
  if (console === undefined) return textPresenter(turn, () => undefined);
  if (console.drawsAnswers && !turn.plain)
    return new (await import("./screen-presenter.js")).ScreenPresenter(turn, console);
  const { waitingNote } = await import("./waiting-note.js");
  const waiting = waitingNote(turn, console.screen);
  const presenter = textPresenter(turn, waiting.end);
  return {
    ...presenter,
    request: waiting.request,
    show(event) {
      if (event.type === "reasoning") waiting.thinks();
      presenter.show(event);
    },
  };
}

/** Ctrl-C stops, the presenter may know a key; others wait for the next prompt. Without a keyboard they belong to the terminal, whose signal stops. */
function listenToKeys(turn: TurnContext, interrupts: Interrupts, take: (key: Key) => boolean): () => void {
  const isInterrupt = (key: Key): boolean => key.kind === "key" && key.name === "ctrl-c";
  return (
    turn.console?.keyboard?.listen((key) => {
      if (!isInterrupt(key)) return take(key);
      interrupts.interrupt();
      return true;
    }) ?? ((): void => undefined)
  );
}

function sayHowItEnded(turn: TurnContext, ended: Ended | undefined): void {
  if (ended === undefined) return;
  const { output } = turn.context;
  const [error, cut] = [errorLine(ended, turn.atPrompt), cutShortLine(ended, turn.atPrompt)];
  if (error !== undefined) output.error(error);
  if (cut !== undefined) output.warning(cut);
  for (const warning of ended.warnings) output.warning(warning);
  if (turn.context.verbose) for (const remark of ended.remarks) output.message(toSafeLine(remark));
  turn.failedLastingly = ended.isLasting;
}

/** Shows one turn to its end; the exit status it would mean. Throws what could not be saved. */
export async function answerTo(turn: TurnContext, prompt: string | undefined): Promise<number> {
  const { conversation, chosen, context, title, progress } = turn;
  const { output } = context;
  const abort = new AbortController();
  const interrupts = catchInterrupts(context.io.control, () => {
    abort.abort();
  });
  const shown: { presenter?: Presenter } = {};
  const takeKey = (key: Key): boolean => shown.presenter?.key?.(key) ?? false;
  let stopListening = listenToKeys(turn, interrupts, takeKey);
  output.onClosed(() => {
    abort.abort();
  });
  const presenter = await presenterFor(turn);
  shown.presenter = presenter;
  progress.listener = (event) => {
    const warning = requestWarning(event);
    if (warning === undefined) presenter.request(event);
    else output.warning(warning);
  };
  const speakAgain = silenceConsole(context.io.console);
  let ended: Ended | undefined;
  try {
    const options = {
      signal: abort.signal,
      approve: approverFor(turn, async (ask) => {
        const resume = presenter.pause();
        stopListening();
        try {
          return await ask();
        } finally {
          stopListening = listenToKeys(turn, interrupts, takeKey);
          resume();
        }
      }),
      ...(title === undefined ? {} : { title }),
      ...(chosen.baseUrl === undefined ? {} : { baseUrl: chosen.baseUrl }),
    };
    for await (const event of chosen.agent.runTurn(conversation, prompt, options)) {
      presenter.show(event);
      if (event.type === "end") ended = event;
    }
  } finally {
    speakAgain();
    progress.listener = undefined;
    presenter.end();
    stopListening();
    interrupts.release();
  }
  sayHowItEnded(turn, ended);
  if (output.isClosed) return 0;
  if (abort.signal.aborted) return interrupts.status ?? INTERRUPTED;
  // The person left a call as it is.
  if (ended?.status === "interrupted" && ended.error === undefined) return INTERRUPTED;
  return ended?.error === undefined ? 0 : exitStatusOf(ended.error);
}
