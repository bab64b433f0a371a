/** What a session saves by the clock: changes that wait, and a snapshot with an interim backup where one is worth its cost. */
export interface TimedSession {
  /** Starts saving what waits. */
  readonly save: () => void;
  readonly isSnapshotWorthwhile: () => boolean;
  /** In the conversation's turn. Never rejects. */
  readonly snapshot: () => Promise<void>;
}

export class TimedSaves {
  readonly #timer: NodeJS.Timeout;
  #snapshotWaits = false;

  constructor(
    interval: number,
    private readonly session: TimedSession,
  ) {
    this.#timer = setInterval(() => {
      this.#save();
    }, interval);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #save(): void {
    this.session.save();
    if (this.#snapshotWaits || !this.session.isSnapshotWorthwhile()) return;
    this.#snapshotWaits = true;
    void this.session.snapshot().finally(() => {
      this.#snapshotWaits = false;
    });
  }
}
