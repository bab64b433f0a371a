/** `models --json`. */
import { z } from "zod";

export const models = z
  .object({
    aliases: z.array(z.object({ name: z.string(), model: z.string() })).describe("Of the settings."),
    server: z
      .object({
        url: z.string(),
        models: z.array(z.string()).describe("As the server lists them."),
        error: z.string().nullable().describe("Why it lists none; then the exit status is 6."),
      })
      .nullable()
      .describe("The OpenAI-compatible server that is named, if one is."),
    providers: z
      .array(z.object({ name: z.string(), package: z.string().describe("To be installed.") }))
      .describe("Prefixes of models of other providers."),
  })
  .describe("The names that --model understands.");
