/** Ctrl-C at a question: nothing was decided, and nothing more is to be done. */
export class QuestionInterrupted extends Error {
  constructor() {
    super("interrupted at a question");
    this.name = "QuestionInterrupted";
  }
}
