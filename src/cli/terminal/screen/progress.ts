/**
 * How far a long work is: one line on stderr that is written over, on a terminal that can and nowhere else, and only once
 * the work has taken a moment. Nothing of it stays.
 */
import type { Output } from "../../output.js";
import { formatCount } from "../text/format.js";

export interface Progress {
  /** `done` of `total` are done. */
  readonly update: (done: number, total: number) => void;
  /** Takes the line away; call it before anything else is printed. */
  readonly end: () => void;
}

/** Milliseconds before the line first shows, and between two of its states. */
const PATIENCE = 500;
const PACE = 100;
const CLEAR_LINE = "\r\u001b[K";

/** `label` says what is done, such as `checking`; `now` is milliseconds since some moment. */
export function startProgress(output: Output, label: string, now: () => number): Progress {
  if (!output.mayMoveCursor || output.quiet) return { update: () => undefined, end: () => undefined };
  let next = now() + PATIENCE;
  let shown = false;
  return {
    update(done, total) {
      if (now() < next) return;
      next = now() + PACE;
      shown = true;
      const share = total === 0 ? 100 : Math.floor((100 * done) / total);
      output.draw(
        CLEAR_LINE,
        output.errorStyle.dim(`${label} ${formatCount(done)} of ${formatCount(total)} (${share} %)`),
      );
    },
    end() {
      if (shown) output.draw(CLEAR_LINE, "");
      shown = false;
    },
  };
}
