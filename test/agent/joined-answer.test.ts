/** Chunks are joined into the message that LangChain would make of them, within bounds. */
import { AIMessageChunk } from "@langchain/core/messages";
import { describe, expect, test } from "vitest";
import { JoinedAnswer, MAX_CALLS, MAX_TEXT } from "../../src/agent/joined-answer.js";

describe("a joined answer", () => {
  test.for([1, 2, 3, 7, 8, 100])("of %i chunks is that of joining one after another", (count) => {
    const chunks = Array.from({ length: count }, (_, index) => {
      const fields = { id: "m", response_metadata: index === count - 1 ? { finish_reason: "tool_calls" } : {} };
      const args = index === 0 ? '{"a":"' : index === count - 1 ? '"}' : `${index},`;
      const call = { index: 0, args, ...(index === 0 ? { name: "look", id: "c" } : {}) };
      return new AIMessageChunk({
        ...fields,
        content: `${index} `,
        additional_kwargs: { reasoning_content: `r${index}` },
        tool_call_chunks: [{ ...call, type: "tool_call_chunk" }],
      });
    });
    const answer = new JoinedAnswer();
    for (const chunk of chunks) answer.add(chunk);
    const [first, ...more] = chunks;
    const expected = more.reduce((whole, chunk) => whole.concat(chunk), first ?? new AIMessageChunk(""));
    expect(answer.whole()?.toJSON()).toEqual(expected.toJSON());
  });

  test("is undefined where nothing came", () => {
    expect(new JoinedAnswer().whole()).toBeUndefined();
  });

  test("is stopped at its limit of calls while they come", () => {
    const answer = new JoinedAnswer();
    const call = (index: number): AIMessageChunk =>
      new AIMessageChunk({
        content: "",
        tool_call_chunks: [{ index, id: `c${index}`, name: "look", args: "{}", type: "tool_call_chunk" }],
      });
    for (let index = 0; index < MAX_CALLS; index += 1) answer.add(call(index));
    expect(() => {
      answer.add(call(MAX_CALLS));
    }).toThrow(/more than 128 tools at once/);
  });

  test.each([
    ["text", (text: string) => new AIMessageChunk(text)],
    [
      "what it thinks",
      (text: string) => new AIMessageChunk({ content: "", additional_kwargs: { reasoning_content: text } }),
    ],
  ])("without end is full: %s", (_what, chunk) => {
    const answer = new JoinedAnswer();
    const piece = chunk("x".repeat(MAX_TEXT / 4));
    for (let count = 0; count < 4; count += 1) answer.add(piece);
    expect(answer.isFull).toBe(false);
    answer.add(chunk("y"));
    expect(answer.isFull).toBe(true);
  });
});
