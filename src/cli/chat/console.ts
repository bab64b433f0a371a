/** The terminal of a chat: the end of its text as a screen, and its keys, if a person is at both. */
import type { CommandContext } from "../context.js";
import type { InputStream, ProcessControl } from "../io.js";
import { endOnSignals } from "../terminal/input/interrupts.js";
import { Keyboard } from "../terminal/input/keyboard.js";
import { Screen } from "../terminal/screen/screen.js";

export interface ChatConsole {
  readonly screen: Screen;
  /** Undefined if the user is not asked, or not by keys. */
  readonly keyboard: Keyboard | undefined;
  /** Whether answers are drawn here too; where stdout is a pipe they are written there as they are. */
  readonly drawsAnswers: boolean;
  /** Nothing more is asked: the terminal's input is left to others. */
  leaveKeys(): void;
  close(): void;
}

/** Where the keys are not ours Ctrl-Z is the terminal's: it is obeyed, with the screen given back. */
function stopOnSignal(screen: Screen, control: ProcessControl): () => void {
  const stop = (): void => {
    screen.release();
    control.off("SIGTSTP", stop);
    control.send("SIGTSTP", "process");
    control.on("SIGTSTP", stop);
    screen.resume();
  };
  control.on("SIGTSTP", stop);
  return () => {
    control.off("SIGTSTP", stop);
  };
}

function openKeyboard(
  input: InputStream | undefined,
  screen: Screen,
  stream: NodeJS.WriteStream,
  control: ProcessControl,
): Keyboard | undefined {
  if (input?.isTTY !== true) return undefined;
  const keyboard = new Keyboard(input, stream, control);
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
 * Undefined without a terminal that can move its cursor. Without an `input` the terminal is never read and its mode not
 * changed, so that an answer may stream in the background, and typed keys go to the next reader.
 */
export function openConsole(
  { output, json, io: { control } }: CommandContext,
  input: InputStream | undefined,
): ChatConsole | undefined {
  const stream = output.terminal ?? output.errorTerminal;
  if (stream === undefined || !output.mayMoveCursor || json) return undefined;
  const screen = new Screen(stream, control);
  let keyboard = openKeyboard(input, screen, stream, control);
  let release = keyboard === undefined ? stopOnSignal(screen, control) : (): void => undefined;
  const releaseEndings = endOnSignals(control);
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
      release = stopOnSignal(screen, control);
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
