/** Ids in code-unit order, each once. They mostly come in order: then adding one costs nothing of how many there are. Pure. */
export class SortedIds {
  readonly #ids: string[] = [];

  get last(): string | undefined {
    return this.#ids.at(-1);
  }

  add(id: string): void {
    const at = this.#positionOf(id);
    if (this.#ids[at] !== id) this.#ids.splice(at, 0, id);
  }

  descending(): string[] {
    return this.#ids.toReversed();
  }

  /** Where it is, or belongs. */
  #positionOf(id: string): number {
    let [low, high] = [0, this.#ids.length];
    const { last } = this;
    if (last === undefined || last < id) return high;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#ids[middle] ?? "") < id) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
