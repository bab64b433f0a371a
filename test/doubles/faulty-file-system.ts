/**
 * Wraps any `FileSystem`, counts its calls and makes chosen ones fail with a system error, as a full, broken or
 * read-only disk would. With no fault set it changes nothing, and passes every contract the wrapped one passes.
 */
import type { FileStat, FileSystem, FileSystemSpace, OpenFile } from "../../src/storage/file-system.js";
import type { SystemErrorCode } from "./system-error.js";
import { systemError } from "./system-error.js";

export type CallKind = keyof FileSystem | keyof OpenFile;

export interface Fault {
  readonly code: SystemErrorCode;
  /** Which call fails, from 1, counted since the fault was set, among calls of the kinds chosen. */
  readonly at: number;
  /** `once` (default), or this call and each one after it. */
  readonly lasting?: "once" | "from-then-on";
  readonly only?: readonly CallKind[];
  /** A failing write has put this many bytes into the file before it failed; none unless said. */
  readonly bytesWritten?: number;
  /** The call did its work, and only its answer was lost, as on a network file system. */
  readonly isDone?: boolean;
}

export class FaultyFileSystem implements FileSystem {
  readonly #counts = new Map<CallKind, number>();
  #fault: Fault | undefined;
  #matching = 0;
  #opened = 0;
  #closed = 0;
  #mostOpen = 0;
  #limit: { readonly calls: number; readonly exceeded: (error: Error) => void } | undefined;

  constructor(private readonly inner: FileSystem) {}

  get calls(): number {
    return [...this.#counts.values()].reduce((sum, count) => sum + count, 0);
  }

  /** Files that were opened and not closed. */
  get openFiles(): number {
    return this.#opened - this.#closed;
  }

  /** Files that were open at one time, at most. */
  get mostOpen(): number {
    return this.#mostOpen;
  }

  /** Whether a call that fails is followed by others that all fail, clean-up included. */
  get failsForGood(): boolean {
    return this.#fault?.lasting === "from-then-on";
  }

  /** Rejects at the first call beyond so many; that call and those after it never end, so that a loop ends that would go on for ever. */
  exceeds(calls: number): Promise<never> {
    return new Promise((_resolve, exceeded) => {
      this.#limit = { calls, exceeded };
    });
  }

  callsOf(kind: CallKind): number {
    return this.#counts.get(kind) ?? 0;
  }

  setFault(fault: Fault): void {
    this.#fault = fault;
    this.#matching = 0;
  }

  clearFault(): void {
    this.#fault = undefined;
  }

  makeDirectory(path: string): Promise<void> {
    return this.#call("makeDirectory", path, () => this.inner.makeDirectory(path));
  }

  hasDirectory(path: string): Promise<boolean> {
    return this.#call("hasDirectory", path, () => this.inner.hasDirectory(path));
  }

  isWritable(path: string): Promise<boolean> {
    return this.#call("isWritable", path, () => this.inner.isWritable(path));
  }

  openForReading(path: string): Promise<OpenFile> {
    return this.#call("openForReading", path, async () => this.#wrap(path, await this.inner.openForReading(path)));
  }

  createFile(path: string): Promise<OpenFile> {
    return this.#call("createFile", path, async () => this.#wrap(path, await this.inner.createFile(path)));
  }

  rename(from: string, to: string): Promise<void> {
    return this.#call("rename", to, () => this.inner.rename(from, to));
  }

  link(from: string, to: string): Promise<void> {
    return this.#call("link", to, () => this.inner.link(from, to));
  }

  unlink(path: string): Promise<void> {
    return this.#call("unlink", path, () => this.inner.unlink(path));
  }

  syncDirectory(path: string): Promise<void> {
    return this.#call("syncDirectory", path, () => this.inner.syncDirectory(path));
  }

  list(path: string): Promise<string[]> {
    return this.#call("list", path, () => this.inner.list(path));
  }

  stat(path: string): Promise<FileStat | undefined> {
    return this.#call("stat", path, () => this.inner.stat(path));
  }

  space(path: string): Promise<FileSystemSpace | undefined> {
    return this.#call("space", path, () => this.inner.space(path));
  }

  #wrap(path: string, file: OpenFile): OpenFile {
    this.#opened += 1;
    this.#mostOpen = Math.max(this.#mostOpen, this.openFiles);
    const close = (): Promise<void> => {
      this.#closed += 1;
      return file.close();
    };
    const writePart =
      (bytes: Uint8Array) =>
      async (fault: Fault): Promise<void> => {
        if (fault.bytesWritten !== undefined) await file.write(bytes.subarray(0, fault.bytesWritten));
      };
    return {
      write: (bytes) => this.#call("write", path, () => file.write(bytes), writePart(bytes)),
      read: (position, length) => this.#call("read", path, () => file.read(position, length)),
      info: () => this.#call("info", path, () => file.info()),
      sync: () => this.#call("sync", path, () => file.sync()),
      // As close(2): the descriptor is gone even when it reports an error.
      close: () => this.#call("close", path, close, close),
    };
  }

  async #call<T>(
    kind: CallKind,
    path: string,
    act: () => Promise<T>,
    beforeFailing?: (fault: Fault) => Promise<void>,
  ): Promise<T> {
    this.#counts.set(kind, this.callsOf(kind) + 1);
    if (this.#limit !== undefined && this.calls > this.#limit.calls) {
      this.#limit.exceeded(new Error(`more than ${this.#limit.calls} calls of the file system`));
      await new Promise<never>(() => undefined);
    }
    const fault = this.#faultFor(kind);
    if (fault === undefined) return act();
    await beforeFailing?.(fault);
    if (fault.isDone === true) await act();
    throw systemError(fault.code, kind, path);
  }

  #faultFor(kind: CallKind): Fault | undefined {
    const fault = this.#fault;
    if (fault === undefined || (fault.only !== undefined && !fault.only.includes(kind))) return undefined;
    this.#matching += 1;
    const hit = fault.lasting === "from-then-on" ? this.#matching >= fault.at : this.#matching === fault.at;
    return hit ? fault : undefined;
  }
}
