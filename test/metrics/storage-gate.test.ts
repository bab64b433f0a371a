/** Behind a gate that is shut no call begins, and a lock that arrives late goes back. */
import { expect, test } from "vitest";
import { StorageGate } from "../../src/metrics/storage-gate.js";
import { memory } from "../doubles/managers.js";
import { wrappedStorage } from "../doubles/wrapped-storage.js";

test("an open gate passes everything on", async () => {
  const inner = memory();
  const { storage } = new StorageGate(inner);
  await storage.replace({ area: "metrics", name: "a" }, Buffer.from("x"));
  expect(await storage.list("metrics")).toEqual(["a"]);
  expect(await storage.tryLock("a", new Date())).toMatchObject({ acquired: true });
});

test("a gate that is shut begins no call", async () => {
  const begun: string[] = [];
  const gate = new StorageGate(wrappedStorage(memory(), {}, ({ name }) => void begun.push(name)));
  gate.shut();
  await expect(gate.storage.list("metrics")).rejects.toMatchObject({ code: "USAGE" });
  await expect(gate.storage.tryLock("a", new Date())).rejects.toMatchObject({ code: "USAGE" });
  expect(begun).toEqual([]);
});

test("a lock that arrives once the gate is shut is released, and nobody is told that it was taken", async () => {
  const inner = memory();
  const gate = new StorageGate(inner);
  const attempt = gate.storage.tryLock("a", new Date());
  gate.shut();
  await expect(attempt).rejects.toMatchObject({ code: "USAGE" });
  expect(await inner.locks()).toEqual([]);
});
