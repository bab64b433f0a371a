/** On a terminal without raw keys: takes what was typed before a question is asked, which cannot have been meant for it. */
import type { InputStream } from "../../io.js";

/** Lines that are already typed come at once, one after another; nobody has read the question by then. In milliseconds. */
const GRACE = 100;

/** What was typed. */
export async function takeTypedAhead(input: InputStream): Promise<string> {
  let typed = "";
  const take = (piece: Buffer | string): void => {
    typed += String(piece);
  };
  input.on("data", take);
  // The reader before has paused it.
  input.resume();
  await new Promise((resolve) => {
    setTimeout(resolve, GRACE);
  });
  input.pause();
  input.removeListener("data", take);
  return typed;
}
