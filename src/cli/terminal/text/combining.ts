/**
 * Characters that take no column of their own pile up on the one before: without end, they would keep a row from ever being
 * full, and the terminal from anything else. Unicode's stream-safe text has at most 30 in a row, real text hardly ten.
 */
const MOST = 30;
const JOINING = String.raw`\p{M}\p{Default_Ignorable_Code_Point}\u1160-\u11ff\ud7b0-\ud7fb`;
const TOO_MANY = new RegExp(`([${JOINING}]{${MOST}})[${JOINING}]+`, "gu");
const LAST_RUN = new RegExp(`[${JOINING}]*$`, "u");
const FIRST_RUN = new RegExp(`^[${JOINING}]+`, "u");
const MARK = "…";

/** In place of those that are too many, one ellipsis. */
export function limitCombining(text: string): string {
  return text.replace(TOO_MANY, `$1${MARK}`);
}

/** Text that arrives in pieces, cut between whole code points: put together, what it returns is `limitCombining` of all. */
export class CombiningLimit {
  /** Of the run at the end of what came so far. */
  #run = 0;

  push(text: string): string {
    const first = FIRST_RUN.exec(text)?.[0] ?? "";
    const points = Array.from(first);
    const kept = points.slice(0, Math.max(0, MOST - this.#run)).join("");
    const ends = this.#run <= MOST && this.#run + points.length > MOST;
    const rest = text.slice(first.length);
    this.#run =
      rest === "" ? this.#run + points.length : Array.from(LAST_RUN.exec(rest.slice(-8 * MOST))?.[0] ?? "").length;
    return kept + (ends ? MARK : "") + limitCombining(rest);
  }
}
