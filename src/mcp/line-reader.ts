/** Bytes → lines. What is held is bounded, and joined once for each line. */
const NEWLINE = 0x0a;
const MAX_BYTES = 64 * 2 ** 20;

export class LineReader {
  #held: Buffer[] = [];
  #size = 0;
  #isOver = false;

  constructor(private readonly onLine: (line: string) => void) {}

  /** False once a line is too long: nothing is read from then on. */
  add(bytes: Buffer): boolean {
    if (this.#isOver) return false;
    let rest = bytes;
    for (let end = rest.indexOf(NEWLINE); end !== -1; end = rest.indexOf(NEWLINE)) {
      this.#hold(rest.subarray(0, end));
      this.#give();
      rest = rest.subarray(end + 1);
    }
    this.#hold(rest);
    if (this.#size <= MAX_BYTES) return true;
    this.#isOver = true;
    this.#held = [];
    return false;
  }

  #hold(bytes: Buffer): void {
    if (bytes.length === 0) return;
    this.#held.push(bytes);
    this.#size += bytes.length;
  }

  #give(): void {
    const line = Buffer.concat(this.#held).toString("utf8").trim();
    this.#held = [];
    this.#size = 0;
    if (line !== "") this.onLine(line);
  }
}
