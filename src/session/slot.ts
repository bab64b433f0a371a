/**
 * One conversation in this process: what state it is in, and the queue of what was asked of it. Whatever works on its files
 * runs in its turn, after all that was asked before and before all that is asked later; an error of one is the caller's own.
 */
import type { Conversation } from "./conversation.js";
import type { Session } from "./session.js";

export type SlotState =
  | { readonly kind: "closed" }
  | { readonly kind: "opening" }
  /** A program keeps it open by its handle … */
  | { readonly kind: "open"; readonly session: Session; readonly heldBy: "handle"; readonly handle: Conversation }
  /** … or saves do, that may be followed by others. */
  | { readonly kind: "open"; readonly session: Session; readonly heldBy: "saves" }
  | { readonly kind: "closing"; readonly session: Session };

export class Slot {
  state: SlotState = { kind: "closed" };
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  constructor(private readonly onUnused: () => void) {}

  run<T>(act: () => Promise<T>): Promise<T> {
    this.#waiting += 1;
    const result = this.#last.then(act).finally(() => {
      this.#waiting -= 1;
      if (this.#waiting === 0 && this.state.kind === "closed") this.onUnused();
    });
    this.#last = result.catch(() => undefined);
    return result;
  }

  /** The open session, held by a handle or by saves. */
  get session(): Session | undefined {
    return this.state.kind === "open" ? this.state.session : undefined;
  }
}
