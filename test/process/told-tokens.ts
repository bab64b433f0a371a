/** Reads the text of test/process/programs/streamer.mjs back: which revisions it tells of, and whether they can be true. */
import { isStreaming, textOf, type AgentState } from "../../src/model/conversation.js";

export interface Told {
  readonly revisions: ReadonlySet<number>;
  /** What cannot be: a torn token, a gap within an answer, something told twice. */
  readonly untrue: readonly string[];
}

function textsOf(state: AgentState): string[] {
  const answers = state.messages
    .filter((message) => message.role === "assistant")
    .map((message) => textOf(message.content));
  return isStreaming(state) ? [...answers, state.streamingProperties.partialResponse] : answers;
}

export function toldBy(state: AgentState): Told {
  const revisions = new Set<number>();
  const untrue: string[] = [];
  let last = 0;
  for (const text of textsOf(state)) {
    if (!/^(?:\d+;)*$/.test(text)) untrue.push(`a torn token in ${JSON.stringify(text.slice(-40))}`);
    const told = text.split(";").slice(0, -1).map(Number);
    for (const [index, revision] of told.entries()) {
      if (revision <= last) untrue.push(`${revision} after ${last}`);
      if (index > 0 && revision !== last + 1) untrue.push(`a gap from ${last} to ${revision}`);
      revisions.add(revision);
      last = revision;
    }
  }
  return { revisions, untrue };
}
