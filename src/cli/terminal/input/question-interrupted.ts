/** Ctrl-C at a question, or before anything began: nothing was decided, and nothing more is to be done. */
import { INTERRUPTED } from "../../exit-status.js";

export class QuestionInterrupted extends Error {
  /** `status`: that of the process which this ends. */
  constructor(readonly status = INTERRUPTED) {
    super("interrupted at a question");
    this.name = "QuestionInterrupted";
  }
}
