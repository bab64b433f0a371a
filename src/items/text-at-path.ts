/**
 * The texts of a value that are embedded: `$` is the whole, `a.b` a field, `a[0]`, `a[-1]` and `a[*]` items of a list, `*` any
 * field, `{a,b.c}` several. As LangGraph's own stores read them. Pure.
 */
import { isJsonObject, ownValue, type Json } from "../model/json.js";

const TOKEN = /\[[^\]]*\]|\{[^}]*\}|[^.[{]+/g;

export function textsAtPath(value: Json, path: string): string[] {
  if (path === "" || path === "$") return [whole(value)];
  return textsBelow(value, path.match(TOKEN) ?? []);
}

function whole(value: Json): string {
  return JSON.stringify(value, null, 2);
}

function textsBelow(value: Json | undefined, [token, ...rest]: readonly string[]): string[] {
  if (value === undefined || value === null) return [];
  if (token === undefined) return [typeof value === "object" ? whole(value) : String(value)];
  return childrenOf(value, token).flatMap((child) => textsBelow(child, rest));
}

function childrenOf(value: Json, token: string): (Json | undefined)[] {
  if (token === "*" || token === "[*]") return childrenAtAny(value, token);
  if (token.startsWith("["))
    return Array.isArray(value) ? [(value as readonly Json[]).at(Number.parseInt(token.slice(1), 10))] : [];
  if (token.startsWith("{"))
    return token
      .slice(1, -1)
      .split(",")
      .flatMap((path) => textsBelow(value, path.trim().match(TOKEN) ?? []));
  return isJsonObject(value) ? [ownValue(value, token)] : [];
}

function childrenAtAny(value: Json, token: string): Json[] {
  if (Array.isArray(value)) return [...(value as readonly Json[])];
  return token === "*" && isJsonObject(value) ? Object.values(value) : [];
}
