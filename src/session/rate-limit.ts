/** Keeps the share of time that a costly act takes within bounds, however long one act lasts. Pure but for its memory. */

/** After an act of t milliseconds the next may begin 20 t later: about a twentieth of the time. */
const PAUSE_PER_COST = 20;
const PAUSE_AFTER_FAILURE = 1000;

export class RateLimit {
  #notBefore = 0;

  allows(now: number): boolean {
    return now >= this.#notBefore;
  }

  spent(started: number, ended: number): void {
    this.#notBefore = ended + (ended - started) * PAUSE_PER_COST;
  }

  failed(now: number): void {
    this.#notBefore = now + PAUSE_AFTER_FAILURE;
  }
}
