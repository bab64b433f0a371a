/** Whether a state is one that an agent can go on with. Any plain JSON is a state; only the agent's own fields must be as it knows them. */
import { DraftstateError } from "../errors.js";
import { isJsonObject, ownValue, type Json, type JsonObject } from "./json.js";

type Check = readonly [field: string, isRight: (value: Json) => boolean, expected: string];

const isMessage = (value: Json): boolean => isJsonObject(value) && typeof ownValue(value, "role") === "string";
const isMessages = (value: Json): boolean => Array.isArray(value) && (value as readonly Json[]).every(isMessage);

const CHECKS: readonly Check[] = [
  ["messages", isMessages, "a list of messages with a role each"],
  ["currentNarrative", (value) => typeof value === "string", "a text"],
  ["streamingProperties", isJsonObject, "an object"],
];

/** Throws `CORRUPT`: a turn begun on something else would leave it half changed. */
export function assertAgentState(id: string, state: JsonObject): void {
  const problem = agentStateProblem(state);
  if (problem === undefined) return;
  throw new DraftstateError("CORRUPT", `conversation ${id} is none that a chat can go on with: ${problem}; go back with "draftstate restore ${id}", or begin another with --id`);
}

/** The first field that is something else, in words; a field that is missing is none. */
function agentStateProblem(state: JsonObject): string | undefined {
  for (const [field, isRight, expected] of CHECKS) {
    const value = ownValue(state, field);
    if (value !== undefined && !isRight(value)) return `its field "${field}" is not ${expected}`;
  }
  return undefined;
}
