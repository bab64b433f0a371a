/** `/model`: the model that answers, or another one from now on. */
import { knownNames } from "../../models/offered.js";
import { note } from "../say.js";
import type { SlashCommand } from "./slash-command.js";

export const model: SlashCommand = {
  name: "model",
  usage: "/model [name]",
  summary: "show the model, or use another from now on",
  complete: ({ context }) => knownNames(context.settings.models),
  run: async (session, name) => {
    if (name !== "") await session.useModel(name);
    const { agent, baseUrl } = session.turn.chosen;
    const server = baseUrl === undefined ? "" : ` at ${baseUrl}`;
    note(session.context, `${name === "" ? "" : "from now on: "}${agent.modelName ?? "unknown"}${server}`);
  },
};
