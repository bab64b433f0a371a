/** Ctrl-C and the signals that end a process: the first asks to stop and keep what there is, the second leaves at once. */
import process from "node:process";

const SIGNALS = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

/** Whether this exit status is that of a signal that asks the process to end, not of Ctrl-C. */
export function isEnding(status: number): boolean {
  return status === SIGNALS.SIGTERM || status === SIGNALS.SIGHUP;
}

export interface Interrupts {
  /** The exit status of the signal that came, if one did. */
  readonly status: number | undefined;
  /** As if the terminal had sent Ctrl-C. */
  interrupt(): void;
  release(): void;
}

export function catchInterrupts(stop: () => void): Interrupts {
  let status: number | undefined;
  const stopWith = (meaning: number): void => {
    // What was shown is on disk already; the next reader finds it interrupted.
    if (status !== undefined) process.exit(SIGNALS.SIGINT);
    status = meaning;
    stop();
  };
  const handlers = Object.entries(SIGNALS).map(([signal, meaning]) => {
    const handler = (): void => {
      stopWith(meaning);
    };
    process.on(signal, handler);
    return { signal, handler };
  });
  return {
    get status() {
      return status;
    },
    interrupt() {
      stopWith(SIGNALS.SIGINT);
    },
    release() {
      for (const { signal, handler } of handlers) process.off(signal, handler);
    },
  };
}
