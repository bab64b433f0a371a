/** The terminal of a chat: the end of its text as a screen, and its keys, where there is a person at both. */
import process, { stderr, stdout } from "node:process";
import type { CommandContext, InputStream } from "../context.js";
import { Keyboard } from "../terminal/input/keyboard.js";
import { Screen } from "../terminal/screen/screen.js";

export interface ChatConsole {
  readonly screen: Screen;
  /** Undefined where nobody is asked, or not by keys. */
  readonly keyboard: Keyboard | undefined;
  /** Whether answers are drawn here too; where stdout is a pipe they are written there as they are. */
  readonly drawsAnswers: boolean;
  /** Nothing more is asked: the terminal's input is left to others. */
  leaveKeys(): void;
  close(): void;
}

/** Signals that nobody handles at the moment end the process, but by its own exit, which gives the terminal back. */
function endOnSignals(): () => void {
  const endings = Object.entries({ SIGINT: 130, SIGTERM: 143, SIGHUP: 129 }).map(([signal, status]) => {
    const end = (): void => {
      if (process.listenerCount(signal) === 1) process.exit(status);
    };
    process.on(signal, end);
    return { signal, end };
  });
  return () => {
    for (const { signal, end } of endings) process.off(signal, end);
  };
}

/** Where the keys are not ours Ctrl-Z is the terminal's: it is obeyed, with the screen given back. */
function stopOnSignal(screen: Screen): () => void {
  const stop = (): void => {
    screen.release();
    process.off("SIGTSTP", stop);
    process.kill(process.pid, "SIGTSTP");
    process.on("SIGTSTP", stop);
    screen.resume();
  };
  process.on("SIGTSTP", stop);
  return () => process.off("SIGTSTP", stop);
}

function openKeyboard(
  input: InputStream | undefined,
  screen: Screen,
  stream: NodeJS.WriteStream,
): Keyboard | undefined {
  if (input?.isTTY !== true) return undefined;
  const keyboard = new Keyboard(input, stream);
  keyboard.open();
  keyboard.onSuspend({
    suspended: () => {
      screen.release();
    },
    resumed: () => {
      screen.resume();
    },
  });
  return keyboard;
}

/**
 * Undefined where nobody watches, or where the terminal cannot move its cursor. Without an `input` the terminal is never
 * read and its mode not touched, so that an answer may come in the background, and what is typed is for whoever reads next.
 */
export function openConsole({ output, json }: CommandContext, input: InputStream | undefined): ChatConsole | undefined {
  if (!output.mayMoveCursor || json) return undefined;
  const stream = output.isTerminal ? stdout : stderr;
  const screen = new Screen(stream);
  let keyboard = openKeyboard(input, screen, stream);
  let release = keyboard === undefined ? stopOnSignal(screen) : (): void => undefined;
  const releaseEndings = endOnSignals();
  output.around = (write) => {
    screen.around(write);
  };
  return {
    screen,
    get keyboard() {
      return keyboard;
    },
    drawsAnswers: output.isTerminal,
    leaveKeys() {
      if (keyboard === undefined) return;
      keyboard.close();
      keyboard = undefined;
      release = stopOnSignal(screen);
    },
    close() {
      output.around = undefined;
      releaseEndings();
      screen.close();
      keyboard?.close();
      release();
    },
  };
}
