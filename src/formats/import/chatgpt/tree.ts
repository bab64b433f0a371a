/**
 * The tree of a ChatGPT conversation (`mapping`): the way to `current_node`, and which nodes on it hold words that were seen.
 * What the program told the model or itself (hidden context, editable contexts, weight 0) and what the model thought are told
 * apart. Pure.
 */
import { isJsonObject, ownValue, type JsonObject } from "../../../model/json.js";
import { at, listAt, objectAt, refuse, textAt } from "../imported.js";
import { contentOf } from "./content.js";

export interface Node {
  readonly id: string;
  readonly fields: JsonObject;
  readonly message: JsonObject;
}

/** `nothing`: the root, and messages without a word. */
export type NodeKind = "visible" | "hidden" | "reasoning" | "nothing";

const REASONING = ["thoughts", "reasoning_recap"];
const CONTEXTS = ["user_editable_context", "model_editable_context"];

export function kindOf({ message }: Pick<Node, "message">): NodeKind {
  if (Object.keys(message).length === 0) return "nothing";
  const content = objectAt(message, "content");
  const type = textAt(content, "content_type") ?? "";
  if (REASONING.includes(type)) return "reasoning";
  const metadata = objectAt(message, "metadata");
  const isEmpty = contentOf(content).content === "";
  if (CONTEXTS.includes(type)) return isEmpty && Object.keys(content).length <= 1 ? "nothing" : "hidden";
  if (isEmpty && !isCall(message)) return "nothing";
  const isHidden = message["weight"] === 0 || metadata["is_visually_hidden_from_conversation"] === true;
  return isHidden ? "hidden" : "visible";
}

/** What the assistant sends to anyone but the reader is a call of a tool. */
export function isCall(message: JsonObject): boolean {
  const recipient = textAt(message, "recipient");
  return recipient !== undefined && recipient !== "all" && objectAt(message, "author")["role"] === "assistant";
}

export function nodesOf(mapping: JsonObject): Node[] {
  return Object.entries(mapping).flatMap(([id, fields]) =>
    isJsonObject(fields) ? [{ id, fields, message: objectAt(fields, "message") }] : [],
  );
}

/**
 * From the root to the current node; where none is named, to the newest message. A link to a node that is missing, or back
 * to one on the way, ends it where words were found already.
 */
export function pathOf(mapping: JsonObject, current: string | undefined, place: string): Node[] {
  const path: Node[] = [];
  const seen = new Set<string>();
  for (let id = current ?? newestLeaf(mapping); id !== undefined;) {
    const fields = ownValue(mapping, id);
    const problem = seen.has(id) ? "is its own ancestor" : isJsonObject(fields) ? undefined : "is named, and missing";
    if (problem !== undefined || !isJsonObject(fields)) {
      if (path.some((node) => kindOf(node) === "visible")) break;
      throw refuse(at(place, `mapping.${id}`), problem ?? "is not a node");
    }
    seen.add(id);
    path.unshift({ id, fields, message: objectAt(fields, "message") });
    id = textAt(fields, "parent");
  }
  return path;
}

function newestLeaf(mapping: JsonObject): string | undefined {
  const time = (node: Node): number => Number(node.message["create_time"] ?? 0);
  const leaves = nodesOf(mapping).filter(
    ({ fields, message }) => Object.keys(message).length > 0 && listAt(fields, "children").length === 0,
  );
  return leaves.sort((left, right) => time(left) - time(right)).at(-1)?.id ?? Object.keys(mapping).at(-1);
}
