/** Ids of checkpoints that are ordered by time, as LangGraph makes them: UUIDs of version 6. Pure. */

/** 100 ns from 1582-10-15, where a UUID's time begins, to 1970. */
const EPOCH = 122_192_928_000_000_000n;
const TICKS_A_MILLISECOND = 10_000n;
const UUID6 = /^([0-9a-f]{8})-([0-9a-f]{4})-6([0-9a-f]{3})-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** Above the newest; undefined where that is not such an id, and nothing is known to sort above it. `random`: 0 to 1. */
export function idAfter(newest: string | undefined, now: Date, random: () => number): string | undefined {
  const last = newest === undefined ? 0n : ticksOf(newest);
  if (last === undefined) return undefined;
  const ticks = BigInt(now.getTime()) * TICKS_A_MILLISECOND + EPOCH;
  const id = encode(ticks > last ? ticks : last + 1n, random);
  return newest === undefined || id > newest ? id : undefined;
}

function ticksOf(id: string): bigint | undefined {
  const [, high, middle, low] = UUID6.exec(id) ?? [];
  return high === undefined || middle === undefined || low === undefined
    ? undefined
    : BigInt(`0x${high}${middle}${low}`);
}

function encode(ticks: bigint, random: () => number): string {
  const time = ticks.toString(16).padStart(15, "0");
  const digits = (count: number): string =>
    Array.from({ length: count }, () => Math.floor(random() * 16).toString(16)).join("");
  return `${time.slice(0, 8)}-${time.slice(8, 12)}-6${time.slice(12)}-8${digits(3)}-${digits(12)}`;
}
