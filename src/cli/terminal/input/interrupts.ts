/** Ctrl-C and the signals that end a process: the first asks to stop and keep the partial work, the second leaves at once. */
import type { ProcessControl } from "../../io.js";

const STATUS_OF = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

export const ENDING_SIGNALS = Object.keys(STATUS_OF) as readonly (keyof typeof STATUS_OF)[];

/** Of a process that the signal ended. */
export function statusOfSignal(signal: keyof typeof STATUS_OF): number {
  return STATUS_OF[signal];
}

/** Whether this exit status is that of a signal that asks the process to end, not of Ctrl-C. */
export function isEnding(status: number): boolean {
  return status === STATUS_OF.SIGTERM || status === STATUS_OF.SIGHUP;
}

/** How many guards of this file each process has: alone, they end it. */
const guards = new WeakMap<ProcessControl, number>();

/** A signal that nobody else catches ends the process through its own exit, which restores the terminal and ends servers. */
export function endOnSignals(control: ProcessControl): () => void {
  const count = (change: number): void => {
    guards.set(control, (guards.get(control) ?? 0) + change);
  };
  count(1);
  const endings = ENDING_SIGNALS.map((signal) => {
    const end = (): void => {
      if (control.listenerCount(signal) === guards.get(control)) control.exit(statusOfSignal(signal));
    };
    control.on(signal, end);
    return { signal, end };
  });
  return () => {
    count(-1);
    for (const { signal, end } of endings) control.off(signal, end);
  };
}

export interface Interrupts {
  /** The exit status of the signal that came, if one did. */
  readonly status: number | undefined;
  /** As if the terminal had sent Ctrl-C. */
  interrupt(): void;
  release(): void;
}

export function catchInterrupts(control: ProcessControl, stop: () => void): Interrupts {
  let status: number | undefined;
  const stopWith = (meaning: number): void => {
    // What was shown is on disk already; the next reader finds it interrupted.
    if (status !== undefined) control.exit(STATUS_OF.SIGINT);
    status = meaning;
    stop();
  };
  const handlers = ENDING_SIGNALS.map((signal) => {
    const handler = (): void => {
      stopWith(statusOfSignal(signal));
    };
    control.on(signal, handler);
    return { signal, handler };
  });
  return {
    get status() {
      return status;
    },
    interrupt() {
      stopWith(STATUS_OF.SIGINT);
    },
    release() {
      for (const { signal, handler } of handlers) control.off(signal, handler);
    },
  };
}
