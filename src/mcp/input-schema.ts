/**
 * The arguments of a tool as its server describes them → as a provider and LangChain can take them: names of arguments that every
 * provider accepts (and the way back), no pattern that a server chose, and not so large or so entangled that reading it takes long. Pure.
 */
import { isJsonObject, type Json, type JsonObject } from "../model/json.js";
import { argumentNameOf } from "./names.js";

export interface InputSchema {
  readonly schema: JsonObject;
  /** Arguments as the model gave them → under the names that the server knows. */
  readonly given: (args: Json) => Json;
}

const MAX_CHARACTERS = 256 * 1024;
const MAX_DEPTH = 64;
/** Once each reference is put in place. */
const MAX_NODES = 20_000;

const SCHEMAS_BY_NAME = ["properties", "$defs", "definitions", "dependentSchemas"];
const SCHEMAS = [
  "items",
  "additionalProperties",
  "not",
  "if",
  "then",
  "else",
  "anyOf",
  "allOf",
  "oneOf",
  "prefixItems",
];
/** Checked by the server itself; here they would run on what the model wrote, for as long as the server likes. */
const LEFT_OUT = ["pattern", "patternProperties", "format", "propertyNames"];

/** Undefined for one that cannot be used. */
export function inputSchema(schema: unknown): InputSchema | undefined {
  if (!isJsonObject(schema) || JSON.stringify(schema).length > MAX_CHARACTERS) return undefined;
  if (!new Expansion(schema).fits(schema)) return undefined;
  const names = new Map<string, string>();
  const renamed = rename(schema, names) as JsonObject;
  return { schema: renamed, given: names.size === 0 ? (args) => args : (args) => nameBack(args, names) };
}

/** Walks as LangChain's adapters do when they put references in place, and gives up where that is too much. */
class Expansion {
  #left = MAX_NODES;

  constructor(private readonly root: JsonObject) {}

  fits(node: Json, within: readonly string[] = [], depth = 0): boolean {
    this.#left -= 1;
    if (this.#left < 0 || depth > MAX_DEPTH) return false;
    if (typeof node !== "object" || node === null) return true;
    const { $ref } = isJsonObject(node) ? node : {};
    if (typeof $ref === "string" && !this.#targetFits($ref, within, depth)) return false;
    return Object.values(node).every((value: Json) => this.fits(value, within, depth + 1));
  }

  #targetFits(reference: string, within: readonly string[], depth: number): boolean {
    const [, area = "", name = ""] = /^#\/(\$defs|definitions)\/(.+)$/.exec(reference) ?? [];
    const definitions = this.root[area];
    const target = isJsonObject(definitions) ? definitions[name] : undefined;
    if (target === undefined || within.includes(reference)) return true;
    return this.fits(target, [...within, reference], depth + 1);
  }
}

function rename(node: Json, names: Map<string, string>): Json {
  if (Array.isArray(node)) return node.map((item: Json) => rename(item, names));
  if (!isJsonObject(node)) return node;
  const entries = Object.entries(node).filter(([key]) => !LEFT_OUT.includes(key));
  return Object.fromEntries(entries.map(([key, value]) => [key, renameWithin(key, value, names)]));
}

function renameWithin(key: string, value: Json, names: Map<string, string>): Json {
  if (SCHEMAS.includes(key)) return rename(value, names);
  if (SCHEMAS_BY_NAME.includes(key) && isJsonObject(value))
    return Object.fromEntries(
      Object.entries(value).map(([name, schema]) => [
        key === "properties" ? newName(name, names) : name,
        rename(schema, names),
      ]),
    );
  if (key === "required" && Array.isArray(value))
    return value.map((name: Json) => (typeof name === "string" ? newName(name, names) : name));
  return value;
}

function newName(name: string, names: Map<string, string>): string {
  const acceptable = argumentNameOf(name);
  if (acceptable !== name) names.set(acceptable, name);
  return acceptable;
}

function nameBack(args: Json, names: ReadonlyMap<string, string>): Json {
  if (Array.isArray(args)) return args.map((item: Json) => nameBack(item, names));
  if (!isJsonObject(args)) return args;
  return Object.fromEntries(
    Object.entries(args).map(([key, value]) => [names.get(key) ?? key, nameBack(value, names)]),
  );
}
