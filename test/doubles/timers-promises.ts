/** `node:timers/promises` over the global timers, so that a test which replaces those replaces these too. */

interface DelayOptions {
  readonly signal?: AbortSignal;
  readonly ref?: boolean;
}

function delay<T>(ms = 0, value?: T, { signal, ref = true }: DelayOptions = {}): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const aborted = (): void => {
      clearTimeout(timer);
      reject(signal?.reason instanceof Error ? signal.reason : new Error("aborted"));
    };
    const timer = globalThis.setTimeout(() => {
      signal?.removeEventListener("abort", aborted);
      resolve(value);
    }, ms);
    if (!ref) timer.unref();
    if (signal?.aborted === true) aborted();
    else signal?.addEventListener("abort", aborted, { once: true });
  });
}

export { delay as setTimeout };
export const setImmediate = (): Promise<void> => new Promise((resolve) => globalThis.setImmediate(resolve));
