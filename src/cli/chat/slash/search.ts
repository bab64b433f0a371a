/** `/search`: conversations in which a text stands, each with its first line that has it. */
import { excerptAround } from "../../terminal/text/excerpt.js";
import { pluralize } from "../../terminal/text/format.js";
import { toSafeLine } from "../../terminal/text/safe-text.js";
import { note, say } from "../say.js";
import type { SlashCommand } from "./slash-command.js";

const LISTED = 10;
/** Characters of a line, without a terminal that says how wide it is. */
const WIDTH = 100;

export const search: SlashCommand = {
  name: "search",
  usage: "/search <text>",
  summary: "search all conversations",
  run: async ({ context, manager }, text) => {
    if (text === "") {
      note(context, "/search needs a text, such as /search lighthouse");
      return;
    }
    const [{ compileQuery }, { prefilterFor }, { findLines }] = await Promise.all([
      import("../../../formats/search/query.js"),
      import("../../../formats/search/prefilter.js"),
      import("../../../formats/search/find-lines.js"),
    ]);
    const query = { text, regex: false, matchCase: undefined };
    const matcher = await compileQuery(query);
    const { found, scanned } = await manager.search({
      mayHold: prefilterFor(query, matcher),
      wants: () => true,
      look: (state) => findLines(state, matcher),
      backups: false,
    });
    const { bold, cyan } = context.output.errorStyle;
    for (const { conversationId, metadata, matches } of found.slice(0, LISTED)) {
      say(context, `${cyan(bold(conversationId))}  ${toSafeLine(metadata.title)}`);
      const [first] = matches;
      if (first !== undefined) say(context, `  ${lineOf(first, (context.output.errorWidth ?? WIDTH) - 4)}`);
    }
    if (found.length === 0) note(context, `not found in ${pluralize(scanned, "conversation")}`);
    else note(context, `found in ${pluralize(found.length, "conversation")}; /resume <id> opens one`);
  },
};

interface Line {
  readonly role: string;
  readonly text: string;
  readonly hits: readonly { readonly start: number; readonly end: number }[];
}

function lineOf({ role, text, hits }: Line, width: number): string {
  const label = `${role}: `;
  const { before, hit, after } = excerptAround(
    text,
    hits[0] ?? { start: 0, end: 0 },
    Math.max(20, width - label.length),
  );
  return toSafeLine(label + before + hit + after);
}
