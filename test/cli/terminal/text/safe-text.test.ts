/** What `safe-text.ts` promises, against every family of escape sequences, cut at every place. */
import { describe, expect, test } from "vitest";
import { SafeTextStream, toSafeLine, toSafeText } from "../../../../src/cli/terminal/text/safe-text.js";

const HOSTILE: Readonly<Record<string, string>> = {
  "CSI: clear the screen": "a\u001b[2J\u001b[Hb",
  "CSI: colour": "\u001b[31;1mred\u001b[0m",
  "OSC 0: title": "\u001b]0;pwned\u0007",
  "OSC 8: link": "\u001b]8;;https://evil.example\u001b\\bank\u001b]8;;\u001b\\",
  "OSC 52: clipboard": "\u001b]52;c;cm0gLXJmIC8=\u0007",
  "DCS: request and define": '\u001bP$q"p\u001b\\ \u001bP1;1|17/68656c6c6f\u001b\\',
  APC: "\u001b_Gf=24,s=1,v=1;AAAA\u001b\\",
  "PM and SOS": "\u001b^private\u001b\\\u001bXstring\u001b\\",
  "ESC c: reset": "\u001bc",
  "C1: 8-bit CSI, OSC, DCS, APC, ST": "\u009b2J\u009d52;c;AA\u009c\u0090q\u009c\u009fG\u009c\u0085",
  "C0: backspace, bell, vertical tab, form feed, NUL, DEL": "a\u0008\u0007\u000b\u000c\u0000\u007f",
  "a line written over": "safe\rEVIL",
  "bidi overrides": "\u202aa\u202bb\u202cc\u202dd\u202ee",
  "bidi isolates": "\u2066a\u2067b\u2068c\u2069d",
  "bidi marks": "\u200ea\u200fb\u061cc",
  "line and paragraph separators": "a\u2028b\u2029c",
  "lines and emoji among them": "one\r\ntwo\r\r\n👩‍👩‍👧‍👦\u001b[1m\tend",
};

/** Its own list, code unit by code unit, so that it shares no mistake with the code. */
function actsOnTerminal(text: string): boolean {
  return Array.from({ length: text.length }, (_, index) => text.charCodeAt(index)).some(
    (unit) =>
      (unit < 0x20 && unit !== 0x0a && unit !== 0x09) ||
      (unit >= 0x7f && unit <= 0x9f) ||
      (unit >= 0x202a && unit <= 0x202e) ||
      (unit >= 0x2066 && unit <= 0x2069) ||
      [0x200e, 0x200f, 0x061c, 0x2028, 0x2029].includes(unit),
  );
}

/** Nobody sees them, and no script or emoji is made of them. */
function isHidden(unit: number): boolean {
  return (
    [0x180e, 0x200b, 0xfeff].includes(unit) ||
    (unit >= 0x2060 && unit <= 0x2064) ||
    (unit >= 0x206a && unit <= 0x206f) ||
    (unit >= 0xfff9 && unit <= 0xfffb)
  );
}

function inTwo(text: string): [string, string][] {
  return Array.from({ length: text.length + 1 }, (_, at) => [text.slice(0, at), text.slice(at)]);
}

function streamed(chunks: readonly string[]): string {
  const stream = new SafeTextStream();
  return chunks.map((chunk) => stream.push(chunk)).join("") + stream.end();
}

describe.each(Object.entries(HOSTILE))("%s", (_, text) => {
  test("is hostile, else this proves nothing", () => {
    expect(actsOnTerminal(text)).toBe(true);
  });

  test("nothing that acts on a terminal is left", () => {
    expect(actsOnTerminal(toSafeText(text))).toBe(false);
    expect(actsOnTerminal(toSafeLine(text))).toBe(false);
  });

  test("nothing is left when it is made safe in two pieces, cut anywhere", () => {
    for (const [first, second] of inTwo(text))
      expect(actsOnTerminal(toSafeText(first) + toSafeText(second))).toBe(false);
  });

  test("a stream gives the same text as the whole, cut anywhere in two", () => {
    for (const pieces of inTwo(text)) expect(streamed(pieces)).toBe(toSafeText(text));
  });

  test("a stream gives the same text as the whole, one code unit at a time", () => {
    expect(streamed(text.split(""))).toBe(toSafeText(text));
  });

  test("making it safe twice changes nothing", () => {
    expect(toSafeText(toSafeText(text))).toBe(toSafeText(text));
  });
});

describe("safe text", () => {
  test("every code unit that acts or that nobody sees is shown, every other stays", () => {
    const wrong = Array.from({ length: 0xd800 }, (_, unit) => unit).filter((unit) => {
      const character = String.fromCharCode(unit);
      const expected = actsOnTerminal(character) || isHidden(unit) ? `\\u{${unit.toString(16)}}` : character;
      return toSafeText(character) !== expected;
    });
    expect(wrong).toEqual([]);
  });

  test("a control character shows as its code point", () => {
    expect(toSafeText("\u001b[31m \u009b \u202e")).toBe("\\u{1b}[31m \\u{9b} \\u{202e}");
  });

  test("newlines and tabs stay, CRLF becomes a newline, a lone carriage return is shown", () => {
    expect(toSafeText("a\n\tb\r\nc\rd")).toBe("a\n\tb\nc\\u{d}d");
  });

  test("emoji sequences, accents and wide characters stay", () => {
    const text = "👩‍👩‍👧‍👦 ❤️ 🇩🇪 e\u0301 漢字 नमस्ते";
    expect(toSafeText(text)).toBe(text);
  });

  test("a lone surrogate becomes U+FFFD, a pair stays", () => {
    expect(toSafeText("\ud83d!\ude00")).toBe("\ufffd!\ufffd");
    expect(toSafeLine("😀\ud83d")).toBe("😀\ufffd");
  });
});

describe("a safe line", () => {
  test("has no line breaks and no tabs", () => {
    expect(toSafeLine("a\nb\r\nc\td\n\n\te\rf")).toBe("a b c d e\\u{d}f");
  });
});

describe("a stream of safe text", () => {
  test("a surrogate pair over two pieces is one character", () => {
    expect(streamed(["a\ud83d", "\ude00b"])).toBe("a😀b");
  });

  test("a CRLF over two pieces is one newline", () => {
    expect(streamed(["a\r", "\nb"])).toBe("a\nb");
  });

  test("an empty piece between two halves does not part them", () => {
    expect(streamed(["\ud83d", "", "\ude00\r", "", "\n"])).toBe("😀\n");
  });

  test("what stays unfinished is shown at the end, once", () => {
    const stream = new SafeTextStream();
    expect(stream.push("a\r")).toBe("a");
    expect(stream.end()).toBe("\\u{d}");
    expect(stream.end()).toBe("");
    expect(streamed(["a\ud83d"])).toBe("a\ufffd");
  });

  test("everything else is given back at once", () => {
    expect(new SafeTextStream().push("hello 👩‍")).toBe("hello 👩‍");
  });
});
