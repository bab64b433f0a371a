/** The terminal of a chat: the end of its text as a screen, and its keys, where there is a person at both. */
import process, { stderr, stdin, stdout } from "node:process";
import type { CommandContext } from "../context.js";
import { Keyboard } from "../terminal/keyboard.js";
import { Screen } from "../terminal/screen.js";

export interface ChatConsole {
  readonly screen: Screen;
  /** Undefined where stdin is a pipe. */
  readonly keyboard: Keyboard | undefined;
  /** Whether answers are drawn here too; where stdout is a pipe they are written there as they are. */
  readonly drawsAnswers: boolean;
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

/** Undefined where nobody watches, or where the terminal cannot move its cursor. */
export function openConsole({ output, json }: CommandContext): ChatConsole | undefined {
  if (!output.mayMoveCursor || json) return undefined;
  const stream = output.isTerminal ? stdout : stderr;
  const screen = new Screen(stream);
  const keyboard = stdin.isTTY ? new Keyboard(stdin, stream) : undefined;
  keyboard?.open();
  keyboard?.onSuspend({ suspended: () => { screen.release(); }, resumed: () => { screen.resume(); } });
  const release = endOnSignals();
  output.around = (write) => { screen.around(write); };
  return {
    screen,
    keyboard,
    drawsAnswers: output.isTerminal,
    close() {
      output.around = undefined;
      release();
      screen.close();
      keyboard?.close();
    },
  };
}
