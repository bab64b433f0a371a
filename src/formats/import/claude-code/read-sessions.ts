/**
 * A file of Claude Code's sessions: JSON lines of type user, assistant, system, summary and others, linked by `parentUuid`.
 * Each session in it is a conversation. What is not among its messages (side chains, branches that were left, hidden
 * context, notices, hooks, snapshots) is kept under `importedFrom.otherLines`. Pure.
 */
import { jsonEqual, ownValue, type Json, type JsonObject } from "../../../model/json.js";
import { titleFrom } from "../../../model/conversation.js";
import {
  asidesOf,
  faultOf,
  lastDateOf,
  stateOf,
  textAt,
  type Fault,
  type ImportedConversation,
  type ImportOptions,
} from "../imported.js";
import type { Line } from "../text/json-lines.js";
import { eachOnce } from "./copies.js";
import { isSessionRecord, toSessionLine, type SessionLine, type Turn } from "./line.js";
import { lineageOf } from "./links.js";
import { toMessages } from "./messages.js";
import { order } from "./order.js";

export interface ReadSessions {
  readonly conversations: readonly ImportedConversation[];
  readonly faults: readonly Fault[];
}

export function isClaudeCodeSession(lines: readonly Line[]): boolean {
  return lines.some(({ value }) => isSessionRecord(value));
}

export function fromClaudeCode(source: readonly Line[], options: ImportOptions): ReadSessions {
  const lines: SessionLine[] = [];
  const faults: Fault[] = [];
  for (const line of source) {
    try {
      lines.push(toSessionLine(line));
    } catch (error) {
      faults.push(faultOf(error, `line ${line.number}`));
    }
  }
  const sessions = bySession(lines);
  return {
    conversations: sessions
      .map((session) => toConversation(session, sessions.length, options))
      .filter((conversation) => conversation !== undefined),
    faults,
  };
}

interface Session {
  readonly id: string | undefined;
  readonly lines: readonly SessionLine[];
}

/** Lines that name no session belong to the one that they stand in. */
function bySession(lines: readonly SessionLine[]): Session[] {
  const named = new Map<string, SessionLine[]>();
  const first = lines.find(({ sessionId }) => sessionId !== undefined)?.sessionId;
  let current = first ?? "";
  for (const line of lines) {
    current = line.sessionId ?? current;
    const session = named.get(current);
    if (session === undefined) named.set(current, [line]);
    else session.push(line);
  }
  return [...named].map(([id, own]) => ({ id: id === "" ? undefined : id, lines: own }));
}

/** Fields with one value in every line are said once. */
function commonFields(lines: readonly SessionLine[]): JsonObject {
  const [first, ...rest] = lines;
  const candidates = Object.entries(first?.fields ?? {}).filter(
    ([key]) => !["type", "uuid", "parentUuid", "timestamp", "message", "content"].includes(key),
  );
  return Object.fromEntries(
    candidates.filter(([key, value]) => rest.every((line) => jsonEqual(ownValue(line.fields, key), value))),
  );
}

function titleOf(lines: readonly SessionLine[]): string | undefined {
  const named = (type: string, key: string): string | undefined =>
    textAt(lines.findLast((line) => line.fields["type"] === type)?.fields ?? {}, key);
  return named("custom-title", "customTitle") ?? named("ai-title", "aiTitle") ?? named("summary", "summary");
}

/** A turn without a time was had at that of the turn before. */
function dated(lines: readonly SessionLine[], otherwise: string): Turn[] {
  let last = lines.find(({ createdAt }) => createdAt !== undefined)?.createdAt ?? otherwise;
  return lines.map((line) => {
    last = line.createdAt ?? last;
    return { ...line, createdAt: last };
  });
}

/** The name of a side chain that is a file of its own. */
function nameOf(id: string | undefined, main: readonly SessionLine[]): string | undefined {
  const agent = main.every(({ isSidechain }) => isSidechain) ? textAt(main[0]?.fields ?? {}, "agentId") : undefined;
  return id === undefined ? undefined : `claude-code-${id}${agent === undefined ? "" : `-agent-${agent}`}`;
}

/** Undefined for a session in which nothing was said. */
function toConversation(
  { id, lines }: Session,
  sessions: number,
  options: ImportOptions,
): ImportedConversation | undefined {
  const spoken = lines.filter(({ kind }) => kind === "user" || kind === "assistant");
  const { turns, copies, byUuid } = eachOnce(spoken);
  const main = turns.some(({ isSidechain }) => !isSidechain) ? turns.filter((turn) => !turn.isSidechain) : turns;
  if (main.length === 0) return undefined;
  const chosen = new Set(main);
  const { kept, left } = order(
    main,
    lineageOf(
      main,
      byUuid,
      lines.filter((line) => !chosen.has(line)),
    ),
  );
  const shown = dated(kept, options.at);
  const session = commonFields(shown);
  const messages = toMessages(shown, session);
  const sidechain = turns.filter((turn) => !chosen.has(turn));
  const countOf = (others: readonly SessionLine[]): number => toMessages(dated(others, options.at), {}).length;
  const title = titleOf(lines);
  return {
    place: sessions > 1 && id !== undefined ? `session ${id}` : "",
    name: nameOf(id, main),
    version: {
      state: stateOf(messages, originOf(lines, new Set(kept), copies, session)),
      revision: 1,
      info: {
        createdAt: shown[0]?.createdAt ?? options.at,
        ...(title === undefined ? {} : { title: titleFrom(title) }),
      },
    },
    updatedAt: lastDateOf(messages, options.at),
    points: [],
    aside: asidesOf({
      "abandoned branch": countOf(left),
      "side chain": countOf(sidechain),
      "hidden context": lines.filter(({ kind }) => kind === "hidden").length,
      repeated: countOf(copies),
    }),
  };
}

/** Copies that say nothing new are kept nowhere. */
function originOf(
  lines: readonly SessionLine[],
  kept: ReadonlySet<SessionLine>,
  copies: readonly SessionLine[],
  session: JsonObject,
): JsonObject {
  const repeated = new Set(copies);
  const originals = new Map(lines.filter((line) => !repeated.has(line)).map((line) => [line.uuid, line.fields]));
  const repeats = new Set(copies.filter((copy) => jsonEqual(copy.fields, originals.get(copy.uuid))));
  const otherLines = lines
    .filter((line) => !kept.has(line) && !repeats.has(line))
    .map(({ number, fields }): Json => ({ line: number, fields }));
  return {
    format: "claude-code",
    ...(Object.keys(session).length === 0 ? {} : { session }),
    ...(otherLines.length === 0 ? {} : { otherLines }),
  };
}
