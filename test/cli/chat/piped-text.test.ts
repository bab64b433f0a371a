/** What is piped into a chat: text stays as it is without a word, of all else it is said what became of it. */
import { expect, test } from "vitest";
import { decodePiped } from "../../../src/cli/chat/piped-text.js";

test("text is taken as it is, without a word, also one that has a replacement character of its own", () => {
  for (const text of ["", "Grüße, 🌍\r\n", "one \ufffd and another \ufffd"])
    expect(decodePiped(Buffer.from(text))).toEqual({ text, warning: undefined });
});

test("of what is no UTF-8 the replaced pieces are counted", () => {
  expect(decodePiped(Buffer.from([0x61, 0xff, 0x62]))).toEqual({
    text: "a\ufffdb",
    warning:
      "stdin is not text: 1 piece of it is not UTF-8 and was replaced by U+FFFD; to use it, convert it first, for example with iconv",
  });
  const mixed = Buffer.concat([Buffer.from("\ufffd"), Buffer.from([0xff, 0xc3, 0x28])]);
  expect(decodePiped(mixed).warning).toMatch(/: 2 pieces of it are not UTF-8 and were replaced by U\+FFFD;/);
});

test("NUL characters are kept and counted", () => {
  const { text, warning } = decodePiped(Buffer.from("a\0b\0", "latin1"));
  expect([text, warning]).toEqual([
    "a\0b\0",
    expect.stringContaining("stdin is not text: 2 NUL characters are in it;"),
  ]);
});
