/** Messages of the chat itself, notes dimmed. */
import type { Output } from "../output.js";
import { toSafeLine } from "../terminal/text/safe-text.js";

/** Takes safe text. */
export function say({ output }: { readonly output: Output }, text: string): void {
  output.message(text);
}

export function note({ output }: { readonly output: Output }, text: string): void {
  output.message(output.errorStyle.dim(toSafeLine(text)));
}
