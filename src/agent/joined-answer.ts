/**
 * The chunks of an answer as one message, and bounds for its text and its calls. Chunks of like size are joined, so that all of it costs n log n:
 * LangChain parses the arguments of a call anew each time.
 */
import type { AIMessageChunk } from "@langchain/core/messages";
import { concat } from "@langchain/core/utils/stream";
import { MAX_ANSWER_BYTES } from "../session/answer-limit.js";
import { reasoningOfChunk } from "./reasoning.js";
import { ModelFailure } from "./model-failure.js";

/** Calls in one answer. */
export const MAX_CALLS = 128;
/** Characters of the arguments of all calls in one answer. */
export const MAX_ARGUMENTS = 4 * 2 ** 20;
/** Characters of the text of one answer, and of what the model thinks: more than is kept, so that what is kept has come. */
export const MAX_TEXT = 2 * MAX_ANSWER_BYTES;

function tooManyCalls(): ModelFailure {
  return new ModelFailure(
    `the model called more than ${MAX_CALLS} tools at once, and was stopped; none of these calls was carried out`,
  );
}

function tooLongArguments(): ModelFailure {
  return new ModelFailure(
    `the model called tools with more than ${MAX_ARGUMENTS / 2 ** 20} MiB of arguments, and was stopped; none of these calls was carried out`,
  );
}

export class JoinedAnswer {
  /** Each of more chunks than the one behind it. */
  readonly #runs: { readonly count: number; readonly chunk: AIMessageChunk }[] = [];
  readonly #calls = new Set<unknown>();
  #arguments = 0;
  #text = 0;

  /** Whether to stop reading: no more of it is kept. */
  get isFull(): boolean {
    return this.#text > MAX_TEXT;
  }

  /** Throws `MODEL` where it holds more calls, or longer ones, than an answer may. */
  add(chunk: AIMessageChunk): void {
    this.#bound(chunk);
    let run = { count: 1, chunk };
    for (let last = this.#runs.at(-1); last !== undefined && last.count <= run.count; last = this.#runs.at(-1)) {
      run = { count: last.count + run.count, chunk: concat(last.chunk, run.chunk) };
      this.#runs.pop();
    }
    this.#runs.push(run);
  }

  /** Undefined where nothing came. */
  whole(): AIMessageChunk | undefined {
    const whole = this.#runs
      .map(({ chunk }) => chunk)
      .reduceRight<AIMessageChunk | undefined>(
        (behind, chunk) => (behind === undefined ? chunk : concat(chunk, behind)),
        undefined,
      );
    if ((whole?.tool_calls ?? []).length > MAX_CALLS) throw tooManyCalls();
    return whole;
  }

  #bound(chunk: AIMessageChunk): void {
    this.#text += chunk.content.length + reasoningOfChunk(chunk).length;
    for (const { index, id, args } of chunk.tool_call_chunks ?? []) {
      this.#calls.add(index ?? id ?? this.#calls.size);
      this.#arguments += args?.length ?? 0;
    }
    if (this.#calls.size > MAX_CALLS) throw tooManyCalls();
    if (this.#arguments > MAX_ARGUMENTS) throw tooLongArguments();
  }
}
