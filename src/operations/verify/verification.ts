/** What was found wrong with the files of a store. */
import type { ProblemKind } from "../../plan/recovery.js";

export interface VerifiedProblem {
  /** Of the conversation or thread; of a namespace, its labels joined by dots. */
  readonly conversationId: string;
  readonly path: string;
  readonly kind:
    | ProblemKind
    | "conflict-copy"
    | "spill-damaged"
    | "spill-newer"
    | "thread-damaged"
    | "thread-newer"
    | "thread-torn"
    | "items-damaged"
    | "items-newer"
    | "items-torn";
  readonly detail: string;
  /** Whether the state, or all but what the detail names, can be had from other files. */
  readonly repairable: boolean;
}

export interface Verification {
  /** Files looked at. */
  readonly checked: number;
  readonly ok: boolean;
  readonly problems: readonly VerifiedProblem[];
}
