/** Whether an agent can continue from a state. Any plain JSON is a state; only the agent's own fields must be as it knows them. */
import { DraftstateError } from "../errors.js";
import { messagesOf, ROLES } from "./conversation.js";
import { isJsonObject, ownValue, type Json, type JsonObject } from "./json.js";

type Check = readonly [field: string, isRight: (value: Json) => boolean, expected: string];

const CHECKS: readonly Check[] = [
  ["messages", Array.isArray, "a list"],
  ["currentNarrative", (value) => typeof value === "string", "a text"],
  ["streamingProperties", isJsonObject, "an object"],
];

/** Throws `CORRUPT`: a turn begun on something else would leave it half changed. */
export function assertAgentState(id: string, state: JsonObject): void {
  const problem = agentStateProblem(state);
  if (problem === undefined) return;
  throw new DraftstateError(
    "CORRUPT",
    `conversation ${id} does not hold the state of an agent: ${problem}; restore a backup with manager.restore("${id}"), or start another conversation`,
  );
}

/** The first field that is something else, in words; a missing field does not count. */
function agentStateProblem(state: JsonObject): string | undefined {
  for (const [field, isRight, expected] of CHECKS) {
    const value = ownValue(state, field);
    if (value !== undefined && !isRight(value)) return `its field "${field}" is not ${expected}`;
  }
  return firstOf(messagesOf(state), messageProblem);
}

function firstOf(messages: readonly Json[], problemOf: (message: Json) => string | undefined): string | undefined {
  for (const [index, message] of messages.entries()) {
    const problem = problemOf(message);
    if (problem !== undefined) return `messages[${index}] ${problem}`;
  }
  return undefined;
}

function messageProblem(message: Json): string | undefined {
  if (!isJsonObject(message)) return "is not an object";
  const [role, content] = [ownValue(message, "role"), ownValue(message, "content")];
  if (role === undefined) return "has no role";
  if (!(ROLES as readonly unknown[]).includes(role))
    return `has the role ${JSON.stringify(role)}, which is not one of ${ROLES.join(", ")}`;
  return typeof content === "string" || Array.isArray(content)
    ? undefined
    : "has a content that is neither a text nor a list";
}
