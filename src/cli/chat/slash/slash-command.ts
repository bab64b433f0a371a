/** What a slash command is: a name at the prompt, its line in /help, and what it does to the session. */
import type { ChatSession } from "../session.js";

export interface SlashCommand {
  readonly name: string;
  readonly alias?: string;
  readonly usage: string;
  readonly summary: string;
  /** Choices for the text after the name. */
  readonly complete?: (session: ChatSession) => readonly string[];
  /** `rest` is the text after the name; "leave" ends the session. */
  readonly run: (session: ChatSession, rest: string) => Promise<"leave" | void>;
}
