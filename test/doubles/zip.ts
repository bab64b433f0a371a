/** A ZIP archive of given entries, as small as the format allows; an entry may lie about its size. */
import { deflateRawSync } from "node:zlib";

export interface RawEntry {
  readonly compressed: Buffer;
  /** As declared. */
  readonly size: number;
  readonly crc: number;
}

const TABLE = Array.from({ length: 256 }, (_none, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value >>> 0;
});

function crcOf(bytes: Buffer): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = (TABLE[(crc ^ byte) & 0xff] ?? 0) ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}

function entryOf(content: string | RawEntry): RawEntry {
  if (typeof content !== "string") return content;
  const bytes = Buffer.from(content);
  return { compressed: deflateRawSync(bytes), size: bytes.length, crc: crcOf(bytes) };
}

/** Fields of a local and of a central header that are alike. */
function common({ compressed, size, crc }: RawEntry, name: Buffer): Buffer {
  const fields = Buffer.alloc(26);
  fields.writeUInt16LE(20, 0);
  fields.writeUInt16LE(0x0800, 2);
  fields.writeUInt16LE(8, 4);
  fields.writeUInt32LE(crc, 10);
  fields.writeUInt32LE(compressed.length, 14);
  fields.writeUInt32LE(size, 18);
  fields.writeUInt16LE(name.length, 22);
  return fields;
}

export function zipOf(entries: Readonly<Record<string, string | RawEntry>>): Buffer {
  const [locals, centrals]: [Buffer[], Buffer[]] = [[], []];
  let offset = 0;
  for (const [entryName, content] of Object.entries(entries)) {
    const [entry, name] = [entryOf(content), Buffer.from(entryName)];
    const local = Buffer.concat([Buffer.from("PK\x03\x04", "latin1"), common(entry, name), name, entry.compressed]);
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE(offset, 10);
    centrals.push(Buffer.concat([Buffer.from("PK\x01\x02\x14\0", "latin1"), common(entry, name), tail, name]));
    locals.push(local);
    offset += local.length;
  }
  const directory = Buffer.concat(centrals);
  const end = Buffer.alloc(22);
  end.write("PK\x05\x06", "latin1");
  end.writeUInt16LE(centrals.length, 8);
  end.writeUInt16LE(centrals.length, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...locals, directory, end]);
}
