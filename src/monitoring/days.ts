/** Days as they are counted: in UTC, so that they are the same on every machine. Pure. */
const DAY = 86_400_000;

/** `2026-01-14` */
export function dayOf(at: number): string {
  return new Date(at).toISOString().slice(0, 10);
}

/** The last days up to the one of `at`, oldest first. */
export function lastDays(at: number, count: number): string[] {
  return Array.from({ length: count }, (_, index) => dayOf(at - (count - 1 - index) * DAY));
}
