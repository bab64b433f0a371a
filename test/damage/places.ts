/**
 * Where a file is damaged: at each byte, or at each byte that guards others (its head and its end, lengths, checksums,
 * versions, revisions and ends of lines) and at every seventh of the rest.
 */

/** What guards, in snapshots, backups and journals. */
const GUARDS = /"(?:crc|checksum|version)": ?"[^"]*"|"(?:len|revision|rev|base|journal)": ?\d+|\n/g;
/** The header of a gzip file has 10 bytes, its end has 8. */
const [HEAD, TAIL] = [16, 16];
/** Odd, so that a bit that depends on the place is any of the eight. */
const ONE_IN = 7;

export function everyByte(bytes: Uint8Array): readonly number[] {
  return Array.from(bytes.keys());
}

export function guardsAndSample(bytes: Uint8Array): readonly number[] {
  const guards = guardedPlaces(bytes);
  return everyByte(bytes).filter((place) => guards.has(place) || place % ONE_IN === 0);
}

function guardedPlaces({ length, buffer, byteOffset }: Uint8Array): ReadonlySet<number> {
  // Latin-1, so that a character is a byte.
  const text = Buffer.from(buffer, byteOffset, length).toString("latin1");
  // One more behind each: the length of a file that ends there.
  const ranges = [...text.matchAll(GUARDS)].map(({ index, 0: found }) => [index, index + found.length + 1] as const);
  const all = [...ranges, [0, HEAD], [length - TAIL, length]] as const;
  return new Set(all.flatMap(([from, to]) => Array.from({ length: to - from }, (_, at) => from + at)));
}
