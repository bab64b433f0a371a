/**
 * The keys of a terminal in raw mode, for one listener at a time; what is typed while none wants it waits for the next.
 * Ctrl-Z stops the process as the terminal itself would. Whatever ends the process, the terminal is as it was.
 */
import type { InputStream, OutputStream, ProcessControl } from "../../io.js";
import { KeyDecoder, type Key } from "./keys.js";

export interface KeyboardStream extends InputStream {
  setRawMode?(raw: boolean): unknown;
}

/** True if the key was taken; one that was not waits for the next listener. `done` if it wants no more keys. */
export type KeyListener = (key: Key) => boolean | "done";

export interface SuspendHooks {
  readonly suspended: () => void;
  readonly resumed: () => void;
}

const PASTE_ON = "\u001b[?2004h";
const PASTE_OFF = "\u001b[?2004l";
/** How long the rest of a sequence may take after its escape character, in milliseconds. */
const SEQUENCE_GAP = 50;
/** Keys typed ahead; more is a cat on the keyboard. */
const MAX_AHEAD = 10_000;

export class Keyboard {
  readonly #decoder = new KeyDecoder();
  readonly #hooks = new Set<SuspendHooks>();
  readonly #onEnd = new Set<() => void>();
  #ahead: Key[] = [];
  #listener: KeyListener | undefined;
  #timer: NodeJS.Timeout | undefined;
  #raw = false;
  #ended = false;
  /** Whether Ctrl-C waits like other keys while there is no listener; otherwise it raises the signal that a terminal would. */
  keepsInterrupts = false;
  readonly #restore = (): void => {
    this.#leaveRaw();
  };
  readonly #stopped = (): void => {
    this.#suspend("process");
  };
  readonly #data = (data: Buffer | string): void => {
    clearTimeout(this.#timer);
    for (const key of this.#decoder.push(String(data))) this.#give(key);
    if (this.#decoder.waits)
      this.#timer = setTimeout(() => {
        this.#decoder.flush().forEach((key) => {
          this.#give(key);
        });
      }, SEQUENCE_GAP);
  };
  readonly #end = (): void => {
    this.#ended = true;
    for (const listener of this.#onEnd) listener();
  };

  constructor(
    private readonly input: KeyboardStream,
    private readonly output: OutputStream,
    private readonly control: ProcessControl,
  ) {}

  open(): void {
    this.input.setEncoding("utf8");
    this.input.on("data", this.#data).on("end", this.#end).on("error", this.#end);
    this.control.on("exit", this.#restore);
    this.control.on("SIGTSTP", this.#stopped);
    this.#enterRaw();
    this.input.resume();
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#leaveRaw();
    this.input.off("data", this.#data).off("end", this.#end).off("error", this.#end);
    this.control.off("exit", this.#restore);
    this.control.off("SIGTSTP", this.#stopped);
    this.input.pause();
  }

  /** The terminal has gone. */
  get ended(): boolean {
    return this.#ended;
  }

  onEnd(listener: () => void): () => void {
    this.#onEnd.add(listener);
    return () => this.#onEnd.delete(listener);
  }

  onSuspend(hooks: SuspendHooks): () => void {
    this.#hooks.add(hooks);
    return () => this.#hooks.delete(hooks);
  }

  /** Gives this listener what was typed ahead, then what is typed, until it is taken away. */
  listen(listener: KeyListener): () => void {
    this.#listener = listener;
    const ahead = this.#ahead;
    this.#ahead = [];
    for (const key of ahead) this.#give(key);
    return () => {
      if (this.#listener === listener) this.#listener = undefined;
    };
  }

  /** Gives the terminal to another program while `act` runs: as it was, and unread. */
  async lend<T>(act: () => Promise<T>): Promise<T> {
    for (const { suspended } of this.#hooks) suspended();
    this.#leaveRaw();
    this.input.off("data", this.#data).pause();
    this.control.off("SIGTSTP", this.#stopped);
    try {
      return await act();
    } finally {
      this.control.on("SIGTSTP", this.#stopped);
      this.input.on("data", this.#data).resume();
      this.#enterRaw();
      for (const { resumed } of this.#hooks) resumed();
    }
  }

  /** Sets aside what was typed ahead, which was not meant for the question that comes; gives back what returns it. */
  setAside(): () => void {
    const aside = this.#ahead;
    this.#ahead = [];
    return () => {
      this.#ahead = [...aside, ...this.#ahead];
    };
  }

  /** After an answer was stopped, typed-ahead text must not be sent: its last Enter is dropped, others become line ends. */
  disarm(): void {
    const last = this.#ahead.findLastIndex((key) => !isEnter(key));
    this.#ahead = this.#ahead.slice(0, last + 1).map((key) => (isEnter(key) ? { kind: "key", name: "ctrl-j" } : key));
  }

  #give(key: Key): void {
    if (key.kind === "key" && key.name === "ctrl-z") this.#suspend("job");
    else if (this.#listener === undefined && isInterrupt(key) && !this.keepsInterrupts)
      this.control.send("SIGINT", "process");
    else this.#offer(key);
  }

  #offer(key: Key): void {
    const listener = this.#listener;
    const taken = listener?.(key) ?? false;
    if (taken === "done" && this.#listener === listener) this.#listener = undefined;
    if (taken === false && this.#ahead.length < MAX_AHEAD) this.#ahead.push(key);
  }

  #enterRaw(): void {
    this.input.setRawMode?.(true);
    this.output.write(PASTE_ON);
    this.#raw = true;
  }

  #leaveRaw(): void {
    if (!this.#raw) return;
    this.#raw = false;
    this.output.write(PASTE_OFF);
    this.input.setRawMode?.(false);
  }

  /** Returns when the process is resumed, or if it could not be resumed. */
  #suspend(target: "process" | "job"): void {
    for (const { suspended } of this.#hooks) suspended();
    this.#leaveRaw();
    this.control.off("SIGTSTP", this.#stopped);
    this.control.send("SIGTSTP", target);
    this.control.on("SIGTSTP", this.#stopped);
    this.#enterRaw();
    for (const { resumed } of this.#hooks) resumed();
  }
}

function isEnter(key: Key): boolean {
  return key.kind === "key" && key.name === "enter";
}

function isInterrupt(key: Key): boolean {
  return key.kind === "key" && key.name === "ctrl-c";
}
