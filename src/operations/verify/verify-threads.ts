/** Looks at every file of LangGraph threads and says what is wrong: what a replay refuses, and values that a checkpoint lacks. */
import { isDraftstateError, type DraftstateError } from "../../errors.js";
import { mapAtOnce } from "../../store/map-at-once.js";
import { segmentKey, threadIdOf, threadLock, threadNames } from "../../store/names.js";
import type { Storage } from "../../storage/storage.js";
import { loadThread, segmentNumbers, type LoadedThread } from "../../threads/segment-files.js";
import type { Verification, VerifiedProblem } from "./verification.js";

/** Logs are read whole: few at a time. */
const AT_ONCE = 4;

/** Of all that have a file among the names, or of those of one id as it stands in names. */
export async function verifyThreads(
  storage: Storage,
  names: readonly string[],
  done: () => void = () => undefined,
): Promise<Verification> {
  const results = await mapAtOnce(threadNames(names), AT_ONCE, async (thread) => {
    const result = await verifyThread(storage, thread);
    done();
    return result;
  });
  const problems = results.flatMap((result) => result.problems);
  return { checked: results.reduce((sum, { checked }) => sum + checked, 0), ok: problems.length === 0, problems };
}

export async function verifyThread(storage: Storage, thread: string): Promise<Verification> {
  const checked = (await segmentNumbers(storage, thread)).length;
  const problems = await problemsOf(storage, thread);
  return { checked, ok: problems.length === 0, problems };
}

type Told = Pick<VerifiedProblem, "path" | "kind" | "detail" | "repairable">;

async function problemsOf(storage: Storage, thread: string): Promise<VerifiedProblem[]> {
  const wasLive = await isLive(storage, thread);
  const of =
    (conversationId: string) =>
    (problem: Told): VerifiedProblem => ({ conversationId, ...problem });
  try {
    const loaded = await loadThread(storage, thread);
    if (loaded === undefined) return [];
    // Also one that ended meanwhile: what looked torn was being written.
    const isTorn = loaded.torn !== undefined && !wasLive && !(await isLive(storage, thread));
    const found = [...(isTorn ? tornEnd(storage, thread, loaded) : []), ...lostValues(storage, thread, loaded)];
    return found.map(of(loaded.threadId));
  } catch (error) {
    if (!isDraftstateError(error)) throw error;
    return [of(threadIdOf(thread) ?? thread)(refused(storage, thread, error))];
  }
}

async function isLive(storage: Storage, thread: string): Promise<boolean> {
  return (await storage.lockHolder(threadLock(thread))) !== undefined;
}

function tornEnd(storage: Storage, thread: string, { torn }: LoadedThread): Told[] {
  return torn === undefined
    ? []
    : [
        {
          path: storage.describe(segmentKey(thread, torn.segment)),
          kind: "thread-torn",
          detail: `its end was cut off (${torn.detail})`,
          repairable: true,
        },
      ];
}

/** No replay refuses these: the checkpoint is refused when it is read. */
function lostValues(storage: Storage, thread: string, { index }: LoadedThread): Told[] {
  return index.incomplete.map(({ id, place }) => ({
    path: storage.describe(segmentKey(thread, place.segment)),
    kind: "thread-damaged",
    detail: `checkpoint ${id} has lost a channel's value`,
    repairable: true,
  }));
}

function refused(storage: Storage, thread: string, error: DraftstateError): Told {
  const path = error.path ?? storage.describe(segmentKey(thread, 1));
  const detail = error.message;
  if (error.code === "NEWER_VERSION") return { path, kind: "thread-newer", detail, repairable: false };
  return error.code === "CORRUPT"
    ? { path, kind: "thread-damaged", detail, repairable: true }
    : { path, kind: "unreadable", detail, repairable: false };
}
