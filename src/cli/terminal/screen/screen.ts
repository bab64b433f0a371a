/**
 * The end of a terminal's text: rows that stand, and below them a few live ones that are drawn anew in place. The cursor
 * rests at the beginning of the live rows, or in them where someone types, so a resize needs nothing but drawing again.
 * Whatever ends the process, the cursor is shown again. Takes rows of safe text.
 */
import type { OutputStream, ProcessControl } from "../../io.js";
import { visibleWidth } from "../text/width.js";

export interface Place {
  readonly row: number;
  readonly column: number;
}

interface ResizableStream extends Pick<OutputStream, "write" | "columns" | "rows"> {
  on(event: "resize", listener: () => void): unknown;
  off(event: "resize", listener: () => void): unknown;
  /** Asks the terminal at once, where Node.js else waits for its signal; tells of a resize. */
  _refreshSize?(): void;
}

const ESCAPE = "\u001b[";
const HIDE_CURSOR = `${ESCAPE}?25l`;
const SHOW_CURSOR = `${ESCAPE}?25h`;
const ERASE_BELOW = `${ESCAPE}J`;
const CLEAR = `${ESCAPE}H${ESCAPE}2J`;

export class Screen {
  #live: readonly string[] = [];
  #cursor: Place | undefined;
  /** Rows between the first live one and where the cursor rests. */
  #depth = 0;
  #hidden = false;
  #released = false;
  readonly #onResize = new Set<() => void>();
  readonly #restore = (): void => {
    this.release();
  };
  readonly #resized = (): void => {
    for (const listener of this.#onResize) listener();
  };

  constructor(
    private readonly stream: ResizableStream,
    private readonly control: ProcessControl,
  ) {
    control.on("exit", this.#restore);
    stream.on("resize", this.#resized);
    // A process that was killed may have left its live rows below, and the cursor hidden.
    stream.write(SHOW_CURSOR + ERASE_BELOW);
  }

  get columns(): number {
    return Math.max(2, this.stream.columns ?? 80);
  }

  get rows(): number {
    return Math.max(2, this.stream.rows ?? 24);
  }

  onResize(listener: () => void): () => void {
    this.#onResize.add(listener);
    return () => this.#onResize.delete(listener);
  }

  /** Draws these in place of the live rows; with a cursor where someone types. What has no room in view is left out from above. */
  show(live: readonly string[], cursor?: Place): void {
    this.print([], live, cursor);
  }

  /** Prints permanent rows above new live ones. */
  print(standing: readonly string[], live: readonly string[] = [], cursor?: Place): void {
    this.stream._refreshSize?.();
    const [visible, place] = this.#inView(live, cursor);
    this.#live = live;
    this.#cursor = cursor;
    if (this.#released) return;
    const lines = standing.map((row) => `${row}\r\n`).join("");
    // Erased before, since a terminal remembers of old rows that one was the other's end. In one write nothing flickers.
    this.stream.write(this.#toTop() + ERASE_BELOW + lines + visible.join("\r\n") + this.#rest(visible, place));
  }

  /** Takes the live rows away while something else writes a line, and puts them back. */
  around(write: () => void): void {
    const [live, cursor] = [this.#live, this.#cursor];
    if (live.length > 0) this.print([]);
    write();
    if (live.length > 0) this.print([], live, cursor);
  }

  /** Empties the view, and draws the live rows at its top. */
  clear(): void {
    this.stream.write(CLEAR);
    this.#depth = 0;
    this.print([], this.#live, this.#cursor);
  }

  /** Gives the terminal back as it was; nothing is drawn until `resume`. */
  release(): void {
    if (this.#released) return;
    const rest = this.#depth > 0 || this.#live.length > 0 ? `${this.#toTop()}${ERASE_BELOW}` : "";
    const cursor = this.#hidden ? SHOW_CURSOR : "";
    if (rest + cursor !== "") this.stream.write(rest + cursor);
    this.#hidden = false;
    this.#depth = 0;
    this.#released = true;
  }

  resume(): void {
    this.#released = false;
    this.print([], this.#live, this.#cursor);
  }

  close(): void {
    this.release();
    this.control.off("exit", this.#restore);
    this.stream.off("resize", this.#resized);
  }

  #inView(live: readonly string[], cursor: Place | undefined): readonly [readonly string[], Place | undefined] {
    const room = this.rows - 1;
    let height = 0;
    let start = live.length;
    while (start > 0 && height + this.#heightOf(live[start - 1] ?? "") <= room) {
      start -= 1;
      height += this.#heightOf(live[start] ?? "");
    }
    return [live.slice(start), cursor === undefined ? undefined : { ...cursor, row: Math.max(0, cursor.row - start) }];
  }

  #toTop(): string {
    return (this.#depth > 0 ? `${ESCAPE}${this.#depth}A` : "") + "\r";
  }

  #heightOf(row: string): number {
    return Math.max(1, Math.ceil(visibleWidth(row) / this.columns));
  }

  /** From the last live row to where the cursor rests. */
  #rest(live: readonly string[], place: Place | undefined): string {
    const heights = live.map((row) => this.#heightOf(row));
    const height = heights.reduce((sum, rows) => sum + rows, 0);
    this.#depth = place === undefined ? 0 : heights.slice(0, place.row).reduce((sum, rows) => sum + rows, 0);
    const up = Math.max(0, height - 1 - this.#depth);
    const move =
      (up > 0 ? `${ESCAPE}${up}A` : "") +
      "\r" +
      (place !== undefined && place.column > 0 ? `${ESCAPE}${place.column}C` : "");
    return move + this.#visibility(live.length > 0 && place === undefined);
  }

  #visibility(hide: boolean): string {
    if (hide === this.#hidden) return "";
    this.#hidden = hide;
    return hide ? HIDE_CURSOR : SHOW_CURSOR;
  }
}
