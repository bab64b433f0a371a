/** Which items a search is for: LangGraph's filters and operators over an item's value. Pure. */
import { DraftstateError } from "../errors.js";
import { isJsonObject, jsonEqual, ownValue, type Json, type JsonObject } from "../model/json.js";

type Test = (value: Json | undefined, wanted: unknown) => boolean;

const OPERATORS: Readonly<Record<string, Test>> = {
  $eq: isEqual,
  $ne: (value, wanted) => !isEqual(value, wanted),
  $gt: (value, wanted) => isOrdered(value, wanted, (order) => order > 0),
  $gte: (value, wanted) => isOrdered(value, wanted, (order) => order >= 0),
  $lt: (value, wanted) => isOrdered(value, wanted, (order) => order < 0),
  $lte: (value, wanted) => isOrdered(value, wanted, (order) => order <= 0),
  $in: (value, wanted) => Array.isArray(wanted) && wanted.some((one) => isEqual(value, one)),
  $nin: (value, wanted) => !Array.isArray(wanted) || !wanted.some((one) => isEqual(value, one)),
  $exists: (value, wanted) => (value !== undefined) === (wanted === true),
};

export type Filter = Readonly<Record<string, unknown>>;

/** Every field must fit. A field may be a path with dots. Throws `USAGE` for an operator that there is not. */
export function fits(item: JsonObject, filter: Filter): boolean {
  return Object.entries(filter).every(([field, wanted]) => {
    const value = fieldOf(item, field);
    return isOperators(wanted)
      ? Object.entries(wanted).every(([name, operand]) => operator(name)(value, operand))
      : isEqual(value, wanted);
  });
}

function operator(name: string): Test {
  const test = Object.hasOwn(OPERATORS, name) ? OPERATORS[name] : undefined;
  if (test !== undefined) return test;
  const known = Object.keys(OPERATORS).join(", ");
  throw new DraftstateError("USAGE", `the filter's ${JSON.stringify(name)} is no operator: use one of ${known}`);
}

/** Any `$` makes it one, so that a misspelled operator is not taken for a value. */
function isOperators(wanted: unknown): wanted is Readonly<Record<string, unknown>> {
  return isJsonObject(wanted) && Object.keys(wanted).some((name) => name.startsWith("$"));
}

function fieldOf(item: JsonObject, field: string): Json | undefined {
  if (Object.hasOwn(item, field)) return item[field];
  let found: Json | undefined = item;
  for (const name of field.split(".")) found = isJsonObject(found) ? ownValue(found, name) : undefined;
  return found;
}

function isEqual(value: Json | undefined, wanted: unknown): boolean {
  return jsonEqual(value, wanted as Json | undefined);
}

/** As numbers, as LangGraph does; texts that are none, such as dates, as texts. */
function isOrdered(value: Json | undefined, wanted: unknown, fitting: (order: number) => boolean): boolean {
  const [left, right] = [Number(value), Number(wanted)];
  if (!Number.isNaN(left) && !Number.isNaN(right)) return fitting(left - right);
  if (typeof value !== "string" || typeof wanted !== "string") return false;
  return fitting(value < wanted ? -1 : Number(value > wanted));
}
