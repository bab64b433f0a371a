/** The fields of a line, each with its kind: what has another makes the line bad. Pure. */
import { ownValue, type Json, type JsonObject } from "../model/json.js";

/** Throws unless the field is a text. */
export function text(fields: JsonObject, name: string): string {
  const value = ownValue(fields, name);
  if (typeof value === "string") return value;
  throw new TypeError(`its ${name} is not a text`);
}

/** Throws unless the field is a text or missing. */
export function optionalText(fields: JsonObject, name: string): string | undefined {
  return Object.hasOwn(fields, name) ? text(fields, name) : undefined;
}

/** Throws unless the field is a whole number from 1. */
export function count(fields: JsonObject, name: string): number {
  const value = ownValue(fields, name);
  if (isCount(value)) return value;
  throw new TypeError(`its ${name} is not a number from 1`);
}

/** Throws unless the field is a whole number from 0. */
export function countFromZero(fields: JsonObject, name: string): number {
  return ownValue(fields, name) === 0 ? 0 : count(fields, name);
}

/** Throws unless the field is a list of whole numbers from 1. */
export function counts(fields: JsonObject, name: string): number[] {
  const value = ownValue(fields, name);
  if (Array.isArray(value) && (value as readonly Json[]).every(isCount)) return [...(value as readonly number[])];
  throw new TypeError(`its ${name} is not a list of numbers`);
}

/** Throws unless the field is a time that a Date can hold. */
export function time(fields: JsonObject, name: string): number {
  const value = ownValue(fields, name);
  if (typeof value === "number" && !Number.isNaN(new Date(value).getTime())) return value;
  throw new TypeError(`its ${name} is not a time`);
}

function isCount(value: Json | undefined): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value > 0;
}
