/** A program's own state and type: what a conversation begins as, and what a schema makes of what is loaded. */
import { expect, expectTypeOf, test } from "vitest";
import { z } from "zod";
import { DraftstateError, type AgentState } from "../../src/index.js";
import type { MemoryStorage } from "../../src/storage/memory.js";
import { codeRejected } from "../doubles/error-code.js";
import { managerOver, memory } from "../doubles/managers.js";

const Trip = z.object({ stops: z.array(z.object({ city: z.string(), days: z.number() })), budget: z.number() });
const initial = { stops: [], budget: 100 };

async function refusalOf(promise: Promise<unknown>): Promise<unknown> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  return error instanceof DraftstateError ? [error.code, error.path] : error;
}

async function saved(storage: MemoryStorage, state: object): Promise<void> {
  const manager = managerOver(storage);
  await manager.saveState("trip", state);
  await manager.close();
}

test("a new conversation begins with the state that is given, and has its type", async () => {
  const storage = memory();
  const trip = await managerOver(storage).open("trip", { initial: { stops: ["Bern"], budget: 100 } });
  expectTypeOf(trip.state).toEqualTypeOf<{ stops: string[]; budget: number }>();
  trip.update((draft) => void draft.stops.push("Chur"));
  await trip.close();
  const again = await managerOver(storage).open("trip", { initial: { stops: ["x"], budget: 0 } });
  expect(again.state).toEqual({ stops: ["Bern", "Chur"], budget: 100 });
});

test("without them the state is the agent's, and its type says so", async () => {
  const conversation = await managerOver(memory()).open("chat");
  expectTypeOf(conversation.state).toEqualTypeOf<AgentState>();
  expect(Object.keys(conversation.state)).toEqual(["messages", "currentNarrative", "streamingProperties"]);
});

test("a schema checks what is loaded, and names the field that does not fit", async () => {
  const storage = memory();
  await saved(storage, { stops: [{ city: "Bern", days: "2" }], budget: 1 });
  const refused = ["INVALID_STATE", "stops.0.days"];
  const manager = managerOver(storage);
  expect(await refusalOf(manager.open("trip", { schema: Trip, initial }))).toEqual(refused);
  expect(await refusalOf(manager.loadState("trip", { schema: Trip }))).toEqual(refused);
  // Closed again, and as it was.
  const other = await managerOver(storage).open("trip");
  expect(other.state).toEqual({ stops: [{ city: "Bern", days: "2" }], budget: 1 });
});

test("what fits is loaded with the schema's type", async () => {
  const storage = memory();
  await saved(storage, { stops: [{ city: "Bern", days: 2 }], budget: 1 });
  const state = await managerOver(storage).loadState("trip", { schema: Trip });
  expectTypeOf(state).toEqualTypeOf<z.infer<typeof Trip> | null>();
  expect(state?.stops[0]?.days).toBe(2);
  expect(await managerOver(storage).loadState("none", { schema: Trip })).toBeNull();
});

test("defaults of the schema become a change; fields that it does not name stay", async () => {
  const storage = memory();
  await saved(storage, { stops: [{ city: "Bern", days: 2, note: "x" }], mood: "good" });
  const schema = Trip.extend({ budget: z.number().default(7) });
  const trip = await managerOver(storage).open("trip", { schema });
  const expected = { stops: [{ city: "Bern", days: 2, note: "x" }], mood: "good", budget: 7 };
  expect(trip.state).toEqual(expected);
  await trip.close();
  expect(await managerOver(storage).loadState("trip")).toEqual(expected);
});

test("a schema that would refuse what it makes of a state is refused", async () => {
  const storage = memory();
  await saved(storage, { budget: "7" });
  const schema = z.object({ budget: z.string().transform(Number) });
  expect(await refusalOf(managerOver(storage).open("trip", { schema }))).toEqual(["INVALID_STATE", "budget"]);
});

test("a schema may take its time", async () => {
  const schema = z.object({ budget: z.number().refine((value) => Promise.resolve(value > 0)) });
  const manager = managerOver(memory());
  expect(await refusalOf(manager.open("trip", { schema, initial: { budget: 0 } }))).toEqual([
    "INVALID_STATE",
    "budget",
  ]);
  expect((await manager.open("trip", { schema, initial: { budget: 1 } })).state).toEqual({ budget: 1 });
});

test("of a new conversation that is refused nothing stays", async () => {
  const storage = memory();
  const manager = managerOver(storage);
  expect(await codeRejected(manager.open("trip", { schema: Trip }))).toBe("INVALID_STATE");
  expect(await codeRejected(manager.open("trip", { schema: Trip, initial: { stops: [], budget: "x" } as never }))).toBe(
    "INVALID_STATE",
  );
  expect(await codeRejected(manager.open("trip", { initial: [] }))).toBe("INVALID_STATE");
  expect(await storage.list("state")).toEqual([]);
  expect((await manager.open("trip", { schema: Trip, initial })).state).toEqual(initial);
});

test("what saves have open is checked, and stays open where it is refused", async () => {
  const storage = memory();
  const manager = managerOver(storage);
  await manager.saveState("trip", { budget: 1 });
  expect(await refusalOf(manager.open("trip", { schema: Trip }))).toEqual(["INVALID_STATE", "stops"]);
  await manager.saveState("trip", { budget: 2 });
  await manager.close();
  expect(await managerOver(storage).loadState("trip")).toEqual({ budget: 2 });
});

test("get gives the handle that is open here, until it is closed", async () => {
  const storage = memory();
  const manager = managerOver(storage);
  expect(manager.get("trip")).toBeUndefined();
  const trip = await manager.open("trip", { initial });
  expect(manager.get("trip")).toBe(trip);
  expect(managerOver(storage).get("trip")).toBeUndefined();
  const closing = trip.close();
  expect(manager.get("trip")).toBeUndefined();
  await closing;
  await manager.saveState("trip", { budget: 1 });
  expect(manager.get("trip")).toBeUndefined();
  await manager.close();
});
