/** What a server says of a failure, in its own words: of JSON in any of the forms that servers use, of a page, of plain text. Pure. */
import { isJsonObject, ownValue, type Json } from "../../model/json.js";

const MAX_WORDS = 300;

function parse(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}

/** FastAPI's: a text, or a list of what is wrong where. */
function detailWords(detail: Json | undefined): string | undefined {
  if (typeof detail === "string") return detail;
  if (!Array.isArray(detail)) return isJsonObject(detail) ? jsonWords(detail) : undefined;
  const words = (detail as readonly Json[]).flatMap((each) => {
    const message = isJsonObject(each) ? ownValue(each, "msg") : each;
    const place = isJsonObject(each) && Array.isArray(each["loc"]) ? `${each["loc"].join(".")}: ` : "";
    return typeof message === "string" ? `${place}${message}` : [];
  });
  return words.length === 0 ? undefined : words.join("; ");
}

export function jsonWords(value: Json | undefined): string | undefined {
  if (!isJsonObject(value)) return undefined;
  for (const key of ["error", "message", "detail", "errors"]) {
    const found = ownValue(value, key);
    if (typeof found === "string" && found !== "") return found;
    const words = key === "error" && isJsonObject(found) ? jsonWords(found) : detailWords(found);
    if (words !== undefined) return words;
  }
  return undefined;
}

function pageWords(text: string): string {
  const title = /<title[^>]*>([^<]*)/i.exec(text.slice(0, 10_000))?.[1]?.trim();
  const body = text.slice(0, 10_000).replaceAll(/<(style|script)[^]*?<\/\1>|<[^>]*>/gi, " ");
  return `a web page${title === undefined || title === "" ? "" : `, "${title}"`}: ${body.replaceAll(/\s+/g, " ").trim()}`;
}

/** Undefined where it says nothing. */
export function wordsOf(text: string): string | undefined {
  const value = parse(text);
  const words =
    value === undefined ? (/^\s*<(!doctype|html|\?xml)/i.test(text) ? pageWords(text) : text.trim()) : jsonWords(value);
  const line = words?.replaceAll(/\s+/g, " ").trim();
  return line === undefined || line === "" ? undefined : line.slice(0, MAX_WORDS);
}
