/**
 * Turns that a file holds more than once: the first copy counts. A copy has the uuid of an earlier turn, or the same words at
 * the same time under a new one, as a session leaves that was written twice. Pure.
 */
import { ownValue } from "../../../model/json.js";
import { blocksOf, messageOfLine, type SessionLine } from "./line.js";

export interface Unique {
  /** Each once, in the order of the file. */
  readonly turns: readonly SessionLine[];
  readonly copies: readonly SessionLine[];
  /** The turn that a uuid means, be it that of a copy. */
  readonly byUuid: ReadonlyMap<string, SessionLine>;
}

/** Undefined where nothing but the uuid tells two turns apart. */
function wordsOf(line: SessionLine): string | undefined {
  const [result] = blocksOf(line, "tool_result");
  if (result !== undefined)
    return JSON.stringify(["result", ...blocksOf(line, "tool_result").map((block) => block["tool_use_id"])]);
  if (line.createdAt === undefined) return undefined;
  const message = messageOfLine(line);
  return JSON.stringify([line.kind, line.isSidechain, line.createdAt, message["id"], ownValue(message, "content")]);
}

export function eachOnce(lines: readonly SessionLine[]): Unique {
  const byUuid = new Map<string, SessionLine>();
  const byWords = new Map<string, SessionLine>();
  const turns: SessionLine[] = [];
  const copies: SessionLine[] = [];
  for (const line of lines) {
    const words = wordsOf(line);
    const known = byUuid.get(line.uuid) ?? (words === undefined ? undefined : byWords.get(words));
    if (known === undefined) turns.push(line);
    else copies.push(line);
    const turn = known ?? line;
    if (line.uuid !== "" && !byUuid.has(line.uuid)) byUuid.set(line.uuid, turn);
    if (words !== undefined && !byWords.has(words)) byWords.set(words, turn);
  }
  return { turns, copies, byUuid };
}
