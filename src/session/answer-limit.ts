/**
 * Where an answer that streams must end, so that all of it can be saved and read back: at the largest size of an answer, or
 * where the conversation's file would be full. Each token is counted once, so that none costs more than its own size.
 */
import { DraftstateError } from "../errors.js";
import type { SizeLimits } from "../snapshot/size.js";

export { MAX_ANSWER_BYTES } from "../snapshot/size.js";

/** An answer that has ended is in the file three times: its message, `currentNarrative` and `partialResponse`. */
const COPIES = 3;
/** Of a file, for what comes with the end of an answer: its message's own fields, an error, a call of tools. */
const RESERVE = 1 / 64;

export class AnswerTooLong extends DraftstateError {
  constructor(what: string) {
    super("INVALID_STATE", `${what}: the answer was stopped, and what came of it is kept`);
  }
}

function mebibytes(bytes: number): string {
  return bytes < 2 ** 20 ? `${bytes} bytes` : `${Math.floor(bytes / 2 ** 20)} MiB`;
}

export class AnswerLimit {
  #bytes = 0;
  #before = 0;

  constructor(
    private readonly limits: SizeLimits,
    /** Bytes of the conversation's files. */
    private readonly onDisk: () => number,
  ) {}

  /** Throws `INVALID_STATE` where this piece of text is too much. `isFirst`: of an answer. */
  add(text: string, isFirst: boolean): void {
    if (isFirst) {
      this.#bytes = 0;
      this.#before = this.onDisk();
    }
    const bytes = this.#bytes + Buffer.byteLength(JSON.stringify(text));
    const { answerBytes, fileBytes } = this.limits;
    if (bytes > answerBytes) throw new AnswerTooLong(`the answer is longer than ${mebibytes(answerBytes)}`);
    if (this.#before + COPIES * bytes > fileBytes * (1 - RESERVE))
      throw new AnswerTooLong(
        `with this answer the conversation would be larger than a file may be (${mebibytes(fileBytes)}), begin a new one`,
      );
    this.#bytes = bytes;
  }
}
