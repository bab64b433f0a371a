/** `/tools`: what the MCP servers offer, and what of it the model may call. */
import { pluralize } from "../../terminal/text/format.js";
import { signatureOf, summaryOf } from "../../tools/tool-text.js";
import { note, say } from "../say.js";
import type { SlashCommand } from "./slash-command.js";

export const tools: SlashCommand = {
  name: "tools",
  usage: "/tools",
  summary: "list the tools of the MCP servers; * marks those that run without asking",
  run: async ({ context, turn }) => {
    if (turn.tools === undefined) {
      note(context, "no MCP servers; start the chat with --mcp <file>");
      return;
    }
    const { all, allowed } = turn.tools;
    for (const tool of all) {
      const mark = allowed.includes(tool) ? "*" : " ";
      say(context, `${mark} ${signatureOf(tool)}`);
      const summary = summaryOf(tool, "    ", context.output.errorWidth);
      if (summary !== "") note(context, summary);
    }
    note(context, `${pluralize(all.length, "tool")}; ${allowed.length} run without asking`);
  },
};
