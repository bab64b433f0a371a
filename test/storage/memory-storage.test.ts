/** Storage in memory keeps the storage contract, at a time that stands still, and hands out its locks as one machine would. */
import { describeStorageContract } from "../contracts/storage-contract.js";
import { MemoryStorage } from "../../src/storage/memory.js";

describeStorageContract("memory", async () => {
  const storage = new MemoryStorage({ now: () => new Date(), command: "test" });
  return {
    storage,
    loseLock: async (name) => {
      await storage.breakLock(name);
      await storage.tryLock(name, new Date());
    },
    leases: true,
    dispose: () => Promise.resolve(),
  };
});
