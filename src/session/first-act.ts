/** What must be done before anything more is written, such as taking a record back. Tried at once, and again before each write until it succeeds. */
export class FirstAct {
  #act: (() => Promise<void>) | undefined;
  #doing: Promise<void> | undefined;

  get isLeft(): boolean {
    return this.#act !== undefined;
  }

  /** Never rejects: what fails is tried again by `do`. */
  async set(act: () => Promise<void>): Promise<void> {
    this.#act = act;
    await this.do().catch(() => undefined);
  }

  do(): Promise<void> {
    const act = this.#act;
    if (act === undefined) return Promise.resolve();
    this.#doing ??= act()
      .then(() => {
        this.#act = undefined;
      })
      .finally(() => {
        this.#doing = undefined;
      });
    return this.#doing;
  }
}
