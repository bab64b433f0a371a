/**
 * Each call to the storage fails once, in everything that is done to a thread: what was acknowledged is there, the thread is as
 * before or as after, never in between, and once the fault is over the same can be done, or taken back.
 */
import { expect, test } from "vitest";
import { DraftstateError, isDraftstateError, messageOf } from "../../src/errors.js";
import { FaultyStorage } from "../doubles/faulty-storage.js";
import { managerOver, memory } from "../doubles/managers.js";
import { DEEDS, finish, prepared, seenBy, stepOf, type Deed } from "../doubles/thread-deeds.js";

/** False where there are fewer calls. */
async function failsAt(at: number, deed: Deed): Promise<boolean> {
  const storage = new FaultyStorage(memory());
  const manager = managerOver(storage, { metrics: false });
  await prepared(manager, deed);
  let calls = 0;
  storage.setFault(() => ((calls += 1) === at ? new DraftstateError("STORAGE", `call ${at} fails`) : undefined));
  let done = 0;
  let failure: unknown;
  for (const act of deed.acts) {
    failure = await act(manager).then(
      () => undefined,
      (error: unknown) => error,
    );
    if (failure !== undefined) break;
    done += 1;
  }
  await manager.threads.release().catch(() => undefined);
  storage.setFault(undefined);
  if (failure !== undefined) expect(isDraftstateError(failure, "STORAGE"), messageOf(failure)).toBe(true);
  const found = await seenBy(managerOver(storage, { metrics: false }), deed);
  const step = stepOf(deed, found);
  const upTo = failure === undefined ? done : done + 1;
  expect(step >= done && step <= upTo, `call ${at}: ${messageOf(failure)}: ${found.join()}`).toBe(true);
  // The same process resumes.
  await finish(manager, deed, step);
  expect(await seenBy(manager, deed), `call ${at}, again`).toEqual(deed.seen.at(-1));
  await manager.close();
  expect(await storage.locks()).toEqual([]);
  return calls >= at;
}

test.each(Object.entries(DEEDS))("%s", async (_name, deed) => {
  let at = 1;
  while (await failsAt(at, deed)) at += 1;
  expect(at).toBeGreaterThan(5);
});
