/** `config --json` and `completion --json`. */
import { z } from "zod";
import { path } from "./parts.js";

const value = z.union([z.string(), z.number(), z.boolean(), z.null(), z.array(z.json())]);

export const config = z
  .object({
    file: path.nullable().describe("The settings file in use."),
    settings: z.array(
      z.object({
        name: z.string(),
        value,
        default: value,
        origin: z.enum(["flag", "environment", "file", "default"]),
        from: z.string().nullable().describe("The flag, the variable or the file's path; null for a default."),
        description: z.string(),
      }),
    ),
    secrets: z
      .array(z.object({ name: z.string(), set: z.boolean() }))
      .describe("Read from the environment alone, and never shown."),
  })
  .describe("The settings in effect, and where each comes from.");

export const completion = z
  .object({ shell: z.enum(["bash", "zsh", "fish"]), script: z.string() })
  .describe("The completion script of a shell.");
