/** `tools --json`. */
import { z } from "zod";

export const tools = z
  .object({
    tools: z.array(
      z.object({
        server: z.string().describe("Name of the server in the configuration."),
        tool: z.string().describe("Name of the tool as the server gives it."),
        name: z
          .string()
          .regex(/^[a-zA-Z0-9_-]{1,64}$/)
          .describe("Name as the model is told it."),
        description: z.string().describe("In the server's words."),
        input: z.record(z.string(), z.json()).describe("JSON Schema of the arguments, as the model is told them."),
      }),
    ),
    failed: z.array(z.string()).describe("Servers that could not be used."),
    notes: z.array(z.string()).describe("What went wrong or was left out."),
  })
  .describe("The tools that MCP servers offer to a model.");
