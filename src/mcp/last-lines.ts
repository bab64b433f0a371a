/** The end of what a server wrote beside the protocol: bounded, however much it writes. */
const MAX_LINES = 3;
const MAX_LINE = 200;
/** Characters kept of a line that does not end. */
const MAX_HELD = 4096;

export class LastLines {
  #lines: string[] = [];
  #open = "";

  add(text: string): void {
    // Only the end of a flood can be among the last lines.
    const [open = "", ...whole] = (this.#open + text.slice(-MAX_HELD)).split(/\r?\n/).reverse();
    this.#open = open.slice(-MAX_HELD);
    this.#lines = [...this.#lines, ...whole.reverse().filter((line) => line.trim() !== "")].slice(-MAX_LINES);
  }

  /** Oldest first. */
  get all(): readonly string[] {
    const lines = this.#open.trim() === "" ? this.#lines : [...this.#lines, this.#open];
    return lines.slice(-MAX_LINES).map((line) => shortened(line.trim()));
  }
}

function shortened(line: string): string {
  return line.length > MAX_LINE ? `${line.slice(0, MAX_LINE)}…` : line;
}
