/**
 * What the name and the head of a backup may claim. A file that somebody put there must not stay the newest for ever, nor use
 * up the revisions: one that claims more than any conversation reaches is damaged, whatever its checksum says. Pure.
 */

/** A change every millisecond for 34 years. */
const MAX_COUNTED_REVISION = 2 ** 40;
/** No clock that is wrong by accident is as far ahead. */
const LAST_TIME = Date.UTC(2200, 0, 1);

export function isPlausibleTime(at: number): boolean {
  return at < LAST_TIME;
}

/** In words; undefined where there is nothing implausible. */
export function implausible({ revision, at }: { readonly revision: number; readonly at: number }): string | undefined {
  if (!isPlausibleTime(at)) return `its name is of the year ${new Date(at).getUTCFullYear()}`;
  if (revision > MAX_COUNTED_REVISION) return `its revision ${revision} is higher than any conversation reaches`;
  return undefined;
}
