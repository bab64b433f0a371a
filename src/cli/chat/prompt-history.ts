/**
 * The messages typed at the prompt, kept over runs: a JSON line each in the storage's `history` area, bounded. A history that
 * cannot be read or written is no reason to stop a conversation.
 */
import type { Key, Storage } from "../../storage/storage.js";

const KEY: Key = { area: "history", name: "prompts.jsonl" };
const MAX_ENTRIES = 1000;
const MAX_ENTRY_LENGTH = 10_000;
const MAX_BYTES = 16 * 1024 * 1024;

export class PromptHistory {
  #entries: string[] = [];

  private constructor(private readonly storage: Storage) {}

  static async load(storage: Storage): Promise<PromptHistory> {
    const history = new PromptHistory(storage);
    history.#entries = await history.#read();
    return history;
  }

  get entries(): readonly string[] {
    return this.#entries;
  }

  /** Also what another terminal has added meanwhile is kept. A space before it keeps it out, as shells do. */
  async add(text: string): Promise<void> {
    if (text.trim() === "" || text.startsWith(" ") || text.length > MAX_ENTRY_LENGTH) return;
    const stored = await this.#read();
    const entries = [...(stored.length > 0 ? stored : this.#entries).filter((entry) => entry !== text), text].slice(
      -MAX_ENTRIES,
    );
    this.#entries = [...this.#entries.filter((entry) => entry !== text), text].slice(-MAX_ENTRIES);
    await this.storage.replace(KEY, encode(entries)).catch(() => undefined);
  }

  /** Those of a conversation that is to be removed permanently. */
  static async forget(storage: Storage, texts: ReadonlySet<string>): Promise<void> {
    const entries = (await PromptHistory.load(storage)).entries;
    const kept = entries.filter((entry) => !texts.has(entry));
    if (kept.length < entries.length) await storage.replace(KEY, encode(kept));
  }

  async #read(): Promise<string[]> {
    try {
      const bytes = await this.storage.read(KEY, { maxBytes: MAX_BYTES });
      return bytes === undefined ? [] : Buffer.from(bytes).toString("utf8").split("\n").flatMap(parseEntry);
    } catch {
      return [];
    }
  }
}

function encode(entries: readonly string[]): Uint8Array {
  return Buffer.from(entries.map((entry) => `${JSON.stringify(entry)}\n`).join(""));
}

function parseEntry(line: string): string[] {
  try {
    const entry: unknown = JSON.parse(line);
    return typeof entry === "string" ? [entry] : [];
  } catch {
    return [];
  }
}
