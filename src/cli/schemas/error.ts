/** What `--json` prints in place of data. */
import { z } from "zod";
import { errorCode } from "./parts.js";

export const error = z
  .object({
    error: z.object({
      code: errorCode,
      message: z.string(),
      path: z.string().nullable().describe("The file or setting it is about."),
    }),
  })
  .describe("Any command that fails, on stdout in place of data.");
