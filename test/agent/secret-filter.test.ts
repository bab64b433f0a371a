/** A key in an answer is left out however it is cut, other text arrives as it was, at once and in the same tokens. */
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isSecret, jsonWithoutSecrets, REDACTED, SecretFilter, withoutSecrets } from "../../src/agent/secret-filter.js";

const KEY = ["sk", "abcabcabd", "77"].join("-");

function through(pieces: readonly string[], secrets: readonly string[] = [KEY]): { out: string[]; found: number } {
  const filter = new SecretFilter(secrets);
  const out = pieces.map((piece) => filter.push(piece));
  out.push(filter.end());
  return { out, found: filter.found };
}

function cut(text: string, at: readonly number[]): string[] {
  const points = [...new Set(at.map((point) => point % (text.length + 1)))].sort((left, right) => left - right);
  return [0, ...points].map((point, index) => text.slice(point, points[index] ?? text.length));
}

describe("a key in a stream", () => {
  test("never comes out, whatever it is cut into and stands in, and nothing else is lost", () => {
    const part = fc.oneof(
      fc.constant(KEY),
      fc.constantFrom("sk", "sk-", "sk-abc", "sk-abcabc", "abd-77", "s", " and "),
    );
    fc.assert(
      fc.property(fc.array(part), fc.array(fc.nat()), (parts, at) => {
        const text = parts.join("");
        const out = through(cut(text, at)).out.join("");
        expect(out).not.toContain(KEY);
        // What tells nothing of a key may have been given on before the rest of it came.
        const plain = (each: string): string => each.replaceAll(/[sk-]*\[redacted\]/g, "*");
        const whole = withoutSecrets(text, [KEY]);
        const lastIsPart = out.endsWith(REDACTED) && !whole.endsWith(REDACTED);
        if (!lastIsPart) expect(plain(out)).toBe(plain(whole));
      }),
      { numRuns: 500 },
    );
  });

  test("is told of as often as it is there, and so is one that breaks off", () => {
    expect(through([`a ${KEY}`, ` b ${KEY} c`])).toEqual({ out: [`a ${REDACTED}`, ` b ${REDACTED} c`, ""], found: 2 });
    expect(through(["a ", KEY.slice(0, -1)])).toEqual({ out: ["a ", "", REDACTED], found: 1 });
    expect(through(Array.from(KEY)).out.join("")).toBe(`sk-${REDACTED}`);
  });

  test("holds no other token back, and keeps their bounds", () => {
    const words = ["tales", " sk", "-", "ill", " is", " sk-a nice", " thing"];
    expect(through(words).out.slice(0, -1)).toEqual(words);
  });

  test("may be one of several, and a word that stands for none is none", () => {
    const other = "0123456789";
    expect(through([`${KEY}${other}`], [KEY, other]).out[0]).toBe(REDACTED + REDACTED);
    expect(["short", "sk-no-key-required", "lm-studio", ""].filter(isSecret)).toEqual([]);
  });

  test("costs its length", () => {
    const started = performance.now();
    through(["sk-abcabcab".repeat(100_000), ...Array.from("sk-abcabcab".repeat(20_000))]);
    expect(performance.now() - started).toBeLessThan(2_000);
  });
});

test("JSON loses it in texts and in names", () => {
  expect(jsonWithoutSecrets([{ [KEY]: { a: `x${KEY}`, b: 1 } }], [KEY])).toEqual([
    { [REDACTED]: { a: `x${REDACTED}`, b: 1 } },
  ]);
});
