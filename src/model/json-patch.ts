/** The difference of two states as JSON Patch (RFC 6902), paths as JSON Pointers (RFC 6901). */
import { isJsonObject, ownValue, type Json, type JsonObject } from "./json.js";
import { diffStates, type Patch, type Path } from "./patches.js";

export type JsonPatchOperation =
  | { readonly op: "add" | "replace"; readonly path: string; readonly value: Json }
  | { readonly op: "remove"; readonly path: string };

function pointer(path: Path): string {
  return path.map((segment) => `/${String(segment).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
}

function valueAt(state: Json, path: Path): Json {
  let node: Json | undefined = state;
  for (const segment of path) {
    if (Array.isArray(node)) node = (node as readonly Json[])[Number(segment)];
    else node = isJsonObject(node) ? ownValue(node, String(segment)) : undefined;
  }
  return node ?? null;
}

function toOperation(patch: Exclude<Patch, { op: "token" }>, to: JsonObject): JsonPatchOperation {
  if (patch.op === "remove") return { op: "remove", path: pointer(patch.path) };
  // JSON Patch has no word for text that grew; entries before a grown one are never moved, so its path holds in `to`.
  if (patch.op === "append") return { op: "replace", path: pointer(patch.path), value: valueAt(to, patch.path) };
  return { op: patch.op, path: pointer(patch.path), value: patch.value };
}

/** Applied to `from` by any RFC 6902 library, gives `to`. */
export function toJsonPatch(from: JsonObject, to: JsonObject): JsonPatchOperation[] {
  return diffStates(from, to).flatMap((patch) => (patch.op === "token" ? [] : [toOperation(patch, to)]));
}
