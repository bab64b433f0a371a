/** What libraries print through `console` would be taken for the answer: while one comes they are silent. Our own words take another way. */

const METHODS = ["log", "info", "warn", "error", "debug", "trace", "dir", "table"] as const;

/** Gives back what puts the console as it was. */
export function silenceConsole(target: Pick<Console, (typeof METHODS)[number]>): () => void {
  const before = METHODS.map((method) => [method, target[method]] as const);
  for (const method of METHODS) target[method] = () => undefined;
  return () => {
    Object.assign(target, Object.fromEntries(before));
  };
}
