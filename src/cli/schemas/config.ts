/** `config --json` and `completion --json`. */
import { z } from "zod";
import { path } from "./parts.js";

const value = z.union([
  z.string(),
  z.number(),
  z.boolean(),
  z.null(),
  z.array(z.json()),
  z.record(z.string(), z.json()),
]);

export const config = z
  .object({
    file: path.nullable().describe("The settings file in use, named or found."),
    trusted: z.boolean().nullable().describe("Whether that file was named, or trusted with `draftstate trust`."),
    userFile: path.nullable().describe("The user's own settings file, if there is one."),
    ignoredFiles: z
      .array(z.object({ path, why: z.string() }))
      .describe("Settings files that another user could have written."),
    settings: z.array(
      z.object({
        name: z.string(),
        value,
        default: value,
        origin: z.enum(["flag", "environment", "file", "user", "default"]),
        from: z.string().nullable().describe("The flag, the variable or the file's path; null for a default."),
        ignored: z
          .object({ from: path, why: z.string() })
          .nullable()
          .describe("The settings file that says something else, and why it is not obeyed."),
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

export const trust = z
  .object({
    file: path,
    trusted: z.literal(true),
    record: path.describe("What remembers it; removed by `untrust`."),
    settings: z.array(z.object({ name: z.string(), value })).describe("What the file may say only because of this."),
  })
  .describe("A settings file that was trusted.");

export const untrust = z
  .object({ file: path, trusted: z.literal(false), removed: z.boolean().describe("Whether it was trusted before.") })
  .describe("A settings file that is not trusted any more.");

const written = { file: path, written: z.boolean().describe("false where nothing had to be changed.") };

export const init = z
  .object({
    settings: z.object(written),
    ignored: z.object({ ...written, added: z.array(z.string()).describe("Lines.") }),
  })
  .describe("The settings file and the .gitignore of a directory.");
