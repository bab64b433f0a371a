/**
 * What was added to a journal since the last look, read from where that ended. The journal may meanwhile have grown, gone,
 * or been replaced by another of any length: what is read counts only if its records join by revision, and the caller
 * looks at the whole where they do not.
 */
import { continuityOf } from "../../journal/continuity.js";
import { linesOf } from "../../journal/framing.js";
import { decodeLine, type JournalRecord } from "../../journal/record.js";
import type { Key, Storage } from "../../storage/storage.js";

export type TailLook =
  /** Records behind the revision asked for, in order and without a gap; perhaps none. */
  | { readonly kind: "records"; readonly records: readonly JournalRecord[] }
  | { readonly kind: "absent" }
  /** Something that does not join: damage, a gap, a newer version's record, another conversation's journal. */
  | { readonly kind: "unclear" };

export interface TailPosition {
  readonly revision: number;
  /** Of the conversation: a journal of an earlier one of the same id is told by it. */
  readonly createdAt: string;
}

const UNCLEAR: TailLook = { kind: "unclear" };

export class JournalTail {
  /** Behind the last whole line that was read. */
  #offset = 0;

  constructor(
    private readonly storage: Storage,
    private readonly key: Key,
  ) {}

  async look(position: TailPosition): Promise<TailLook> {
    const from = this.#offset;
    const bytes = await this.#readFrom(from);
    if (bytes === undefined) return this.#again({ kind: "absent" });
    const look = bytes === "shorter" ? UNCLEAR : this.#decode(bytes, position);
    if (look.kind !== "unclear") return look;
    this.#offset = 0;
    return from === 0 ? UNCLEAR : this.look(position);
  }

  #again(look: TailLook): TailLook {
    this.#offset = 0;
    return look;
  }

  /** It may grow between the two calls: then a longer end is asked for. */
  async #readFrom(offset: number): Promise<Buffer | "shorter" | undefined> {
    for (let size = (await this.storage.stat(this.key))?.size; size !== undefined;) {
      if (size < offset) return "shorter";
      const end = await this.storage.readEnd(this.key, size - offset);
      if (end === undefined) return undefined;
      const start = end.size - end.bytes.length;
      if (start <= offset)
        return Buffer.from(end.bytes.buffer, end.bytes.byteOffset, end.bytes.byteLength).subarray(offset - start);
      size = end.size;
    }
    return undefined;
  }

  #decode(bytes: Buffer, { revision, createdAt }: TailPosition): TailLook {
    const records: JournalRecord[] = [];
    let last = revision;
    let position = 0;
    for (const { start, bytes: line, hasEnd } of linesOf(bytes)) {
      // One without its end is being written: it waits for the next look.
      if (!hasEnd) break;
      position = start + line.length + 1;
      const decoded = decodeLine(line);
      if (decoded.kind !== "header" && decoded.kind !== "record") return UNCLEAR;
      if ((decoded.kind === "header") !== (this.#offset === 0 && start === 0)) return UNCLEAR;
      if (decoded.kind === "header") {
        if (decoded.header.createdAt !== createdAt) return UNCLEAR;
        continue;
      }
      const continuity = continuityOf(last, decoded.record);
      if (continuity === "gap") return UNCLEAR;
      if (continuity === "held") continue;
      records.push(decoded.record);
      last = decoded.record.revision;
    }
    this.#offset += position;
    return { kind: "records", records };
  }
}
