/** The same search in LangGraph threads: their newest state, with its messages as a conversation has them. A damaged one hides no other. */
import { isDraftstateError, messageOf } from "../../errors.js";
import { mapAtOnce } from "../../store/map-at-once.js";
import { threadIdOf, threadNames } from "../../store/names.js";
import type { Threads } from "../../threads/threads.js";
import type { Scanned, ScanQuery, ScanResult } from "../search.js";
import { readThreadDocument } from "./thread-document.js";

const AT_ONCE = 4;

/** Newest first. */
export async function scanThreads<Match>(
  threads: Threads,
  query: Pick<ScanQuery<Match>, "wants" | "look">,
): Promise<ScanResult<Match>> {
  const names = threadNames(await threads.store.storage.list("state"));
  const problems: { conversationId: string; detail: string }[] = [];
  const found = await mapAtOnce(names, AT_ONCE, async (name) => {
    try {
      return await scanned(threads, name, query);
    } catch (error) {
      if (!isDraftstateError(error)) throw error;
      if (error.code !== "NOT_FOUND")
        problems.push({ conversationId: threadIdOf(name) ?? name, detail: messageOf(error) });
      return undefined;
    }
  });
  return {
    found: found
      .filter((each) => each !== undefined)
      .sort((left, right) => (left.metadata.savedAt < right.metadata.savedAt ? 1 : -1)),
    problems,
    scanned: names.length,
  };
}

async function scanned<Match>(
  threads: Threads,
  name: string,
  { wants, look }: Pick<ScanQuery<Match>, "wants" | "look">,
): Promise<Scanned<Match> | undefined> {
  const id = await threads.idOf(name);
  if (id === undefined) return undefined;
  const { state, metadata } = await readThreadDocument(threads, id);
  const matches = wants(metadata) ? look(state) : [];
  return matches.length === 0 ? undefined : { conversationId: id, metadata, matches, backups: [] };
}
