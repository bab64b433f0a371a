import type { Lock } from "../storage/storage.js";

/** What an operation is told when it is done again after its undo. */
export interface Redoing {
  /** The stamp of the undo that it reverts. */
  readonly of: string;
  /** Under the conversation's lock, before anything is changed: throws where it may no longer be done again. `mark`: what the conversation is. */
  readonly check: (id: string, mark: string) => Promise<void>;
  /** Once it is done, under the same lock: no other operation comes between it and its entry in the log. `mark`: what the conversation is now. */
  readonly done: (id: string, mark: string, guard: Lock) => Promise<void>;
}

export function redoOf(redoing: Redoing | undefined): { readonly redoOf?: string } {
  return redoing === undefined ? {} : { redoOf: redoing.of };
}
