/** A regular expression as a matcher of lines, by RE2: its time grows with the line, whatever the pattern. */
import { RE2JS } from "re2js";
import { DraftstateError, messageOf } from "../../errors.js";
import type { Hit, LineMatcher } from "./matcher.js";

export function compilePattern(text: string, matchCase: boolean): LineMatcher {
  const pattern = compile(text, matchCase);
  // Most lines have it not, and a look without offsets is many times cheaper.
  return { matchCase, find: (line) => (pattern.test(line) ? findPattern(line, pattern) : []) };
}

function compile(text: string, matchCase: boolean): RE2JS {
  try {
    return RE2JS.compile(text, matchCase ? 0 : RE2JS.CASE_INSENSITIVE);
  } catch (error) {
    throw new DraftstateError(
      "USAGE",
      `--regex ${JSON.stringify(text)} cannot be used: ${messageOf(error)} (patterns are RE2's: no look-around, no back-references)`,
    );
  }
}

/** Empty matches are none: there is nothing to show. */
function findPattern(line: string, pattern: RE2JS): Hit[] {
  const hits: Hit[] = [];
  const matcher = pattern.matcher(line);
  while (matcher.find()) if (matcher.end() > matcher.start()) hits.push({ start: matcher.start(), end: matcher.end() });
  return hits;
}
