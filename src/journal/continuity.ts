/** Numbers without gaps (I2): what each record of a log holds, and how it stands to what came before. */

export interface Numbered {
  /** The first of the numbers that it holds. */
  readonly from: number;
  /** The last of them. */
  readonly revision: number;
}

/** `held`: all of it came before. `gap`: something between is missing, or it is held by half. */
export function continuityOf(last: number, next: Numbered): "held" | "next" | "gap" {
  if (next.revision <= last) return "held";
  return next.from === last + 1 ? "next" : "gap";
}
