/**
 * From any older schema to the current one, a numbered chain of pure steps. A step that cannot read something
 * refuses it with its path; it never turns it into null.
 */
import { DraftstateError } from "../../errors.js";
import { SCHEMA_VERSION } from "../conversation.js";
import type { JsonObject } from "../json.js";
import { fromDraft } from "./001-from-draft.js";

interface Migration {
  readonly from: string;
  readonly to: string;
  readonly migrate: (document: JsonObject) => JsonObject;
}

export const MIGRATIONS: readonly Migration[] = [{ from: "1.0.0-draft", to: "1.0.0", migrate: fromDraft }];

/** The document at the current version. Throws `CORRUPT` for a version no step begins from. */
export function migrate(version: string, document: JsonObject): JsonObject {
  let current = { version, document };
  while (current.version !== SCHEMA_VERSION) {
    const step = MIGRATIONS.find((candidate) => candidate.from === current.version);
    if (step === undefined)
      throw new DraftstateError("CORRUPT", `its schema version ${JSON.stringify(current.version)} is unknown`);
    current = { version: step.to, document: step.migrate(current.document) };
  }
  return current.document;
}
