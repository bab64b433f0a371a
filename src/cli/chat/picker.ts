/** Picks a conversation from a list: arrow keys, typing to filter, Enter. Undefined if the person left instead. */
import type { CatalogueRow } from "../../operations/list/list.js";
import type { CommandContext } from "../context.js";
import { formatAge, pluralize } from "../terminal/text/format.js";
import { catchInterrupts } from "../terminal/input/interrupts.js";
import type { Keyboard } from "../terminal/input/keyboard.js";
import type { Key } from "../terminal/input/keys.js";
import { toSafeLine } from "../terminal/text/safe-text.js";
import type { Screen } from "../terminal/screen/screen.js";
import { displayWidth, truncateToWidth } from "../terminal/text/width.js";

const MAX_SHOWN = 12;

export function pickConversation(
  context: CommandContext,
  screen: Screen,
  keyboard: Keyboard,
  rows: readonly CatalogueRow[],
): Promise<string | undefined> {
  return new Promise((resolve) => {
    const picker = new Picker(
      context,
      screen,
      rows.filter(({ status }) => status !== "corrupt"),
    );
    const releases: (() => void)[] = [];
    const finish = (id: string | undefined): void => {
      for (const release of releases) release();
      screen.show([]);
      resolve(id);
    };
    const interrupts = catchInterrupts(context.io.control, () => {
      finish(undefined);
    });
    releases.push(
      () => {
        interrupts.release();
      },
      screen.onResize(() => {
        picker.draw();
      }),
      keyboard.onEnd(() => {
        finish(undefined);
      }),
    );
    picker.draw();
    releases.push(
      keyboard.listen((key) => {
        const outcome = picker.handle(key);
        if (outcome === "stay") {
          picker.draw();
          return true;
        }
        finish(outcome === "leave" ? undefined : picker.chosen);
        return "done";
      }),
    );
  });
}

/** With little room only the keys that end it are shown. */
function footFor(count: number, columns: number): string {
  const [found, short, keys] = [pluralize(count, "conversation"), "Enter · Esc", "Enter resumes · Esc leaves"];
  const feet = [`${found} · type to filter · ↑ ↓ select · ${keys}`, `${found} · ↑ ↓ · ${keys}`, keys];
  return feet.find((foot) => displayWidth(foot) <= columns) ?? truncateToWidth(short, columns);
}

class Picker {
  #filter = "";
  #at = 0;

  constructor(
    private readonly context: CommandContext,
    private readonly screen: Screen,
    private readonly rows: readonly CatalogueRow[],
  ) {}

  get chosen(): string | undefined {
    return this.#fitting[this.#at]?.conversationId;
  }

  handle(key: Key): "stay" | "leave" | "choose" {
    if (key.kind !== "key") return this.#narrow(this.#filter + key.text);
    switch (key.name) {
      case "enter":
        return this.chosen === undefined ? "stay" : "choose";
      case "escape":
      case "ctrl-c":
      case "ctrl-d":
        return "leave";
      case "up":
      case "ctrl-p":
        return this.#move(-1);
      case "down":
      case "tab":
      case "ctrl-n":
        return this.#move(1);
      case "page-up":
        return this.#move(-this.#shown);
      case "page-down":
        return this.#move(this.#shown);
      case "backspace":
        return this.#narrow(this.#filter.slice(0, -1));
      case "ctrl-u":
        return this.#narrow("");
      default:
        return "stay";
    }
  }

  draw(): void {
    const fitting = this.#fitting;
    const start = Math.min(Math.max(0, this.#at - this.#shown + 1), Math.max(0, fitting.length - this.#shown));
    const { dim, bold } = this.context.output.errorStyle;
    const lines = fitting
      .slice(start, start + this.#shown)
      .map((row, index) => this.#line(row, start + index === this.#at));
    const head = `${bold("Resume which conversation?")} ${toSafeLine(this.#filter)}`;
    this.screen.show([head, ...lines, dim(footFor(fitting.length, this.screen.columns - 1))]);
  }

  get #fitting(): readonly CatalogueRow[] {
    const words = this.#filter
      .toLowerCase()
      .split(/\s+/)
      .filter((word) => word !== "");
    return this.rows.filter((row) =>
      words.every((word) => `${row.title} ${row.conversationId} ${row.status}`.toLowerCase().includes(word)),
    );
  }

  get #shown(): number {
    return Math.max(1, Math.min(MAX_SHOWN, this.screen.rows - 4));
  }

  #narrow(filter: string): "stay" {
    this.#filter = filter;
    this.#at = 0;
    return "stay";
  }

  #move(by: number): "stay" {
    this.#at = Math.min(Math.max(0, this.#at + by), Math.max(0, this.#fitting.length - 1));
    return "stay";
  }

  #line(row: CatalogueRow, isChosen: boolean): string {
    const age = row.updatedAt === null ? "" : formatAge(new Date(row.updatedAt), this.context.now());
    const status = row.status === "complete" ? "" : ` · ${row.status}`;
    const title = row.title === "" ? row.conversationId : `${row.title} · ${row.conversationId}`;
    const text = truncateToWidth(
      `${isChosen ? "❯" : " "} ${toSafeLine(title)} · ${age} · ${pluralize(row.messageCount, "message")}${status}`,
      this.screen.columns - 1,
    );
    return isChosen ? this.context.output.errorStyle.inverse(text) : text;
  }
}
