/** What an operation is told when it is done again after its undo. */
export interface Redoing {
  /** The stamp of the undo that it reverts. */
  readonly of: string;
  /** Under the conversation's lock, before anything is changed: throws where it may no longer be done again. `mark`: what the conversation is. */
  readonly check: (id: string, mark: string) => Promise<void>;
}

export function redoOf(redoing: Redoing | undefined): { readonly redoOf?: string } {
  return redoing === undefined ? {} : { redoOf: redoing.of };
}
