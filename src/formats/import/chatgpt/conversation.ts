/**
 * A conversation of ChatGPT's export: a tree of messages (`mapping`), of which the way to `current_node` is what its user saw
 * last. Every other node (hidden context, reasoning, other branches) is kept whole under `importedFrom.otherNodes`, with parent
 * and children, so the tree can be built again. Pure.
 */
import { isJsonObject, ownValue, type Json, type JsonObject } from "../../../model/json.js";
import { titleFrom } from "../../../model/conversation.js";
import {
  asidesOf,
  lastDateOf,
  mustIso,
  objectAt,
  stateOf,
  textAt,
  toIso,
  unlessEmpty,
  without,
  type ImportedConversation,
  type ImportOptions,
} from "../imported.js";
import { toMessages } from "./messages.js";
import { kindOf, nodesOf, pathOf } from "./tree.js";

export function isChatGptConversation(value: Json): value is JsonObject {
  return (
    isJsonObject(value) &&
    isJsonObject(ownValue(value, "mapping")) &&
    (Object.hasOwn(value, "current_node") || Object.hasOwn(value, "create_time"))
  );
}

/** A choice of the program's, not a model. */
const NO_MODEL = "auto";

function defaultModelOf(conversation: JsonObject): string | undefined {
  const model = textAt(conversation, "default_model_slug");
  return model === NO_MODEL ? undefined : model;
}

export function fromChatGpt(conversation: JsonObject, place: string, options: ImportOptions): ImportedConversation {
  const mapping = objectAt(conversation, "mapping");
  const createdAt = mustIso(conversation, "create_time", place, options.at);
  const path = pathOf(mapping, textAt(conversation, "current_node"), place);
  const shown = path.filter((node) => kindOf(node) === "visible");
  const shownIds = new Set(shown.map(({ id }) => id));
  const defaultModel = defaultModelOf(conversation);
  const messages = toMessages(shown, { place, createdAt, model: defaultModel });
  const model =
    messages.findLast((message) => typeof message["model"] === "string")?.["model"] ??
    (defaultModel === undefined ? undefined : `openai:${defaultModel}`);
  const onPath = new Set(path.map(({ id }) => id));
  const beside = nodesOf(mapping).filter(({ id }) => !onPath.has(id));
  const title = textAt(conversation, "title");
  const id = textAt(conversation, "conversation_id") ?? textAt(conversation, "id");
  return {
    place,
    name: id === undefined ? undefined : `chatgpt-${id}`,
    version: {
      state: stateOf(messages, {
        format: "chatgpt",
        ...without(conversation, ["mapping"]),
        ...unlessEmpty("otherNodes", without(mapping, [...shownIds])),
      }),
      revision: 1,
      info: {
        createdAt,
        ...(title === undefined ? {} : { title: titleFrom(title) }),
        ...(typeof model === "string" ? { model } : {}),
      },
    },
    updatedAt: toIso(ownValue(conversation, "update_time")) ?? lastDateOf(messages, createdAt),
    points: [],
    aside: asidesOf({
      "abandoned branch": beside.filter((node) => kindOf(node) === "visible").length,
      "hidden context": path.filter((node) => kindOf(node) === "hidden").length,
      reasoning: path.filter((node) => kindOf(node) === "reasoning").length,
    }),
  };
}
