/** The shapes as JSON Schema (2020-12). Fields may be added in later versions, so none is forbidden. */
import { z } from "zod";
import { SCHEMAS } from "./index.js";

/** File name → its text. */
export function jsonSchemaFiles(): Map<string, string> {
  return new Map(
    Object.entries(SCHEMAS).map(([name, schema]) => {
      const { $schema, ...rest } = z.toJSONSchema(schema, { io: "input" });
      return [`${name}.json`, `${JSON.stringify({ $schema, title: `draftstate ${name}`, ...rest }, null, 2)}\n`];
    }),
  );
}
