/** Messages of the chat itself: wrapped to the width of the terminal, notes dimmed. Takes safe text. */
import type { Output } from "../output.js";
import { toSafeLine } from "../terminal/text/safe-text.js";
import { visibleWidth } from "../terminal/text/width.js";
import { wrapText } from "../terminal/text/wrap-text.js";

export function say({ output }: { readonly output: Output }, text: string): void {
  output.message(wrapText(text, output.errorWidth));
}

export function note({ output }: { readonly output: Output }, text: string): void {
  output.message(output.errorStyle.dim(wrapText(toSafeLine(text), output.errorWidth)));
}

/** A command that would be broken gets a line of its own, so that it can be copied whole. */
export function noteWithCommand(context: { readonly output: Output }, text: string, command: string): void {
  const { errorWidth } = context.output;
  const whole = toSafeLine(`${text}: ${command}`);
  if (errorWidth === undefined || visibleWidth(whole) <= errorWidth) {
    note(context, whole);
    return;
  }
  note(context, `${text}:`);
  note(context, command);
}
