/** `/exit`: leaves the session. */
import type { SlashCommand } from "./slash-command.js";

export const exit: SlashCommand = {
  name: "exit",
  alias: "quit",
  usage: "/exit",
  summary: "leave (also Ctrl-D)",
  run: async () => "leave",
};
