/** A directory that may not be watched for a while, since its mode was changed or the system's watches ran out. */
import { afterEach, expect, test, vi } from "vitest";
import { codeRejected } from "../doubles/error-code.js";
import { SimulatedFileSystem } from "../doubles/simulated-file-system.js";
import { storageOver } from "../doubles/storage-over.js";
import { systemError } from "../doubles/system-error.js";

afterEach(() => {
  vi.useRealTimers();
});

/** The system's own watcher, which refuses as often as it is told to. */
class SystemWatch {
  refusals = 0;
  tell: (name: string) => void = () => undefined;

  readonly watch = (directory: string, listener: (name: string) => void): Promise<{ close(): Promise<void> }> => {
    if (this.refusals > 0) {
      this.refusals -= 1;
      return Promise.reject(systemError("EACCES", "watch", directory));
    }
    this.tell = listener;
    const close = (): Promise<void> => {
      if (this.tell === listener) this.tell = () => undefined;
      return Promise.resolve();
    };
    return Promise.resolve({ close });
  };
}

test("is refused with STORAGE at first", async () => {
  const system = new SystemWatch();
  const storage = storageOver(new SimulatedFileSystem(), undefined, "n", system);
  await storage.prepare();
  system.refusals = 1;
  expect(await codeRejected(storage.watch("state", () => undefined))).toBe("STORAGE");
});

test("is tried again until it may be watched, and what came into it meanwhile is told", async () => {
  vi.useFakeTimers();
  const system = new SystemWatch();
  const storage = storageOver(new SimulatedFileSystem(), undefined, "n", system);
  await storage.prepare();
  const names: string[] = [];
  const watcher = await storage.watch("state", ({ key }) => names.push(key.name));
  system.refusals = 2;
  // A new mode is told of by the directory's own name.
  system.tell("state");
  await storage.replace({ area: "state", name: "tale.json" }, Buffer.from("{}"));
  await vi.advanceTimersByTimeAsync(3000);
  expect(names).toContain("tale.json");
  system.tell("after.json");
  expect(names).toContain("after.json");
  system.refusals = Infinity;
  system.tell("state");
  await watcher.close();
  await vi.advanceTimersByTimeAsync(3000);
  expect(vi.getTimerCount()).toBe(0);
});
