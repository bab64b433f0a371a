/** The ids that are taken. Two that differ by upper and lower case alone are one file on some file systems: the second is refused. */
import { DraftstateError } from "../errors.js";

export class TakenIds {
  readonly #ids: Set<string>;
  readonly #byLowerCase: Map<string, string>;

  constructor(ids: readonly string[]) {
    this.#ids = new Set(ids);
    this.#byLowerCase = new Map(ids.map((id) => [id.toLowerCase(), id]));
  }

  has(id: string): boolean {
    return this.#ids.has(id);
  }

  add(id: string): void {
    this.#ids.add(id);
    this.#byLowerCase.set(id.toLowerCase(), id);
  }

  /** Another id that differs by case alone. */
  lookalike(id: string): string | undefined {
    const like = this.#byLowerCase.get(id.toLowerCase());
    return like === id ? undefined : like;
  }

  /** Throws `INVALID_ID`. */
  assertNoneLike(id: string): void {
    const like = this.lookalike(id);
    if (like === undefined) return;
    throw new DraftstateError(
      "INVALID_ID",
      `conversation ${id} differs from ${like} by upper and lower case alone: choose another id`,
    );
  }
}
