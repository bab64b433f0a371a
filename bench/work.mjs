// The work that every contender does: an answer of so many tokens in a conversation that already holds N messages of 500 characters.
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export const TOKENS = Array.from({ length: 500 }, (_, index) => ` word${index % 97}`);
const TEXT = "The quick brown fox jumps over the lazy dog, and a story goes on from there. ".repeat(7).slice(0, 500);

export function messages(count) {
  return Array.from({ length: count }, (_, index) => ({
    id: `m${index}`,
    role: index % 2 === 0 ? "user" : "assistant",
    content: TEXT,
    createdAt: "2026-01-14T21:30:00.000Z",
    ...(index % 2 === 0 ? {} : { status: "complete", tokenCount: 100 }),
  }));
}

export function stateOf(count) {
  return {
    messages: messages(count),
    currentNarrative: "",
    streamingProperties: {
      lastToken: "",
      tokenCount: 0,
      streamingProgress: 0,
      partialResponse: "",
      streamingStartTime: "2026-01-14T21:30:00.000Z",
      streamingEndTime: null,
    },
  };
}

/** A directory of its own on the disk that is measured: BENCH_DIR, or the system's for temporary files. */
export class Scratch {
  #root = mkdtempSync(join(process.env.BENCH_DIR ?? tmpdir(), "draftstate-bench-"));

  directory(name = "d") {
    const path = join(this.#root, `${name}-${randomBytes(4).toString("hex")}`);
    mkdirSync(path);
    return path;
  }

  remove() {
    if (existsSync(this.#root)) rmSync(this.#root, { recursive: true, force: true });
  }
}
