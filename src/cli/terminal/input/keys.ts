/**
 * What a terminal sends, as keys: text, named keys with their modifiers, and pastes between brackets as one. Knows the
 * sequences of xterm and those that descend from it; those it does not know are swallowed whole. Pure but for what is
 * unfinished, which `push` completes or `flush` gives up on.
 */
export type Key =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "paste"; readonly text: string }
  /** `ctrl-c`, `alt-enter`, `up`, … */
  | { readonly kind: "key"; readonly name: string };

const PASTE_START = "\u001b[200~";
const PASTE_END = "\u001b[201~";
const CONTROLS: Readonly<Record<string, string>> = {
  "\r": "enter",
  "\n": "ctrl-j",
  "\t": "tab",
  "\u007f": "backspace",
  "\b": "backspace",
  "\u001b": "escape",
  "\0": "ctrl-space",
};
const LETTERS: Readonly<Record<string, string>> = {
  A: "up",
  B: "down",
  C: "right",
  D: "left",
  F: "end",
  H: "home",
  Z: "shift-tab",
};
const NUMBERS: Readonly<Record<string, string>> = {
  1: "home",
  3: "delete",
  4: "end",
  5: "page-up",
  6: "page-down",
  7: "home",
  8: "end",
  13: "enter",
  9: "tab",
  27: "escape",
  127: "backspace",
};

const SEQUENCE = /^\u001b(?:\[([\d;:?<=>]*)([ -/]*)([@-~])|O([A-Za-z]))/;
const UNFINISHED_SEQUENCE = /^\u001b(?:\[[\d;:?<=>]*[ -/]*|O)?$/;
const TEXT = /^[^\u0000-\u001f\u007f]+/;

interface Taken {
  readonly key: Key | undefined;
  readonly length: number;
}

export class KeyDecoder {
  #pending = "";

  /** Whether something waits for its end: an escape character alone may be a key by itself. */
  get waits(): boolean {
    return this.#pending !== "" && !this.#pending.startsWith(PASTE_START);
  }

  push(input: string): Key[] {
    this.#pending += input;
    const keys: Key[] = [];
    for (let taken = this.#take(); taken !== undefined; taken = this.#take()) {
      this.#pending = this.#pending.slice(taken.length);
      if (taken.key !== undefined) keys.push(taken.key);
    }
    return keys;
  }

  /** Nothing came after an escape character: it was the key itself. */
  flush(): Key[] {
    const pending = this.#pending;
    this.#pending = "";
    return pending === "\u001b" ? [{ kind: "key", name: "escape" }] : [];
  }

  #take(): Taken | undefined {
    const input = this.#pending;
    if (input === "") return undefined;
    if (input.startsWith(PASTE_START)) return takePaste(input);
    const [text] = TEXT.exec(input) ?? [];
    if (text !== undefined) return { key: { kind: "text", text }, length: text.length };
    return input.startsWith("\u001b") ? takeEscape(input) : { key: controlKey(input.charAt(0)), length: 1 };
  }
}

function takePaste(input: string): Taken | undefined {
  const end = input.indexOf(PASTE_END);
  if (end < 0) return undefined;
  const text = input.slice(PASTE_START.length, end).replaceAll(/\r\n?/g, "\n");
  return { key: { kind: "paste", text }, length: end + PASTE_END.length };
}

function takeEscape(input: string): Taken | undefined {
  if (UNFINISHED_SEQUENCE.test(input)) return undefined;
  const sequence = SEQUENCE.exec(input);
  if (sequence !== null) return { key: keyOf(sequence), length: sequence[0].length };
  // An escape character before another key: that key with Alt.
  const next = Array.from(input.slice(1, 3))[0] ?? "";
  if (next === "\u001b") return { key: { kind: "key", name: "escape" }, length: 1 };
  const key = controlKey(next);
  const name = key.kind === "key" ? key.name : next;
  return { key: { kind: "key", name: `alt-${name}` }, length: 1 + next.length };
}

function controlKey(character: string): Key {
  const known = CONTROLS[character];
  if (known !== undefined) return { kind: "key", name: known };
  const code = character.charCodeAt(0);
  return code < 0x20
    ? { kind: "key", name: `ctrl-${String.fromCharCode(code + 0x60)}` }
    : { kind: "text", text: character };
}

function keyOf(sequence: RegExpExecArray): Key | undefined {
  const [, parameters = "", , final = "", letter] = sequence;
  if (letter !== undefined) return named(LETTERS[letter], 1);
  const [first = 0, second = 1, third = 0] = parameters.split(/[;:]/).map(Number);
  // `27;2;13~` is how xterm tells Shift-Enter apart, `13;2u` how others do.
  if (final === "~") return first === 27 ? named(nameOfCode(third), second) : named(NUMBERS[first], second);
  if (final === "u") return named(nameOfCode(first), second);
  return named(LETTERS[final], second);
}

function nameOfCode(code: number): string | undefined {
  return NUMBERS[code] ?? (code > 0x20 && code < 0x7f ? String.fromCharCode(code).toLowerCase() : undefined);
}

/** xterm counts its modifiers from one: 2 Shift, 3 Alt, 5 Ctrl, and their sums. */
function named(name: string | undefined, modifier: number): Key | undefined {
  if (name === undefined) return undefined;
  const bits = Math.max(0, modifier - 1);
  const prefix =
    (bits & 4 ? "ctrl-" : "") + (bits & 2 ? "alt-" : "") + (bits & 1 && !name.startsWith("shift-") ? "shift-" : "");
  return prefix === "" && name.length === 1 ? { kind: "text", text: name } : { kind: "key", name: prefix + name };
}
