/** Optional fields that are undefined: refused with their path, or dropped where the program says so; an entry of a list is refused always. */
import { describe, expect, test } from "vitest";
import { isDraftstateError } from "../../src/errors.js";
import type { ManagerOptions } from "../../src/manager.js";
import { managerOver, memory } from "../doubles/managers.js";

interface Trip {
  place?: string | undefined;
  stops: { name: string; note?: string | undefined }[];
}

const START: Trip = { place: undefined, stops: [{ name: "Oslo", note: undefined }] };

async function refusedPath(act: () => unknown): Promise<unknown> {
  try {
    await act();
  } catch (error) {
    return isDraftstateError(error) ? [error.code, error.path] : error;
  }
  return undefined;
}

async function opened(options: ManagerOptions) {
  const storage = memory();
  const manager = managerOver(storage, options);
  return { storage, manager, trip: await manager.open<Trip>("trip", { initial: { place: "home", stops: [] } }) };
}

describe("a field that is undefined is refused with its path", () => {
  test("in an update, a whole state, a save and a beginning; nothing is changed", async () => {
    const { manager, trip } = await opened({});
    const refused = [
      await refusedPath(() => {
        trip.update((draft) => {
          draft.place = undefined;
        });
      }),
      await refusedPath(() => {
        trip.update((draft) => {
          draft.stops.push({ name: "Oslo", note: undefined });
        });
      }),
      await refusedPath(() => {
        trip.replaceState({ ...START, place: "Oslo" });
      }),
      await refusedPath(() => manager.saveState("other", START)),
      await refusedPath(() => manager.open<Trip>("third", { initial: START })),
    ];
    expect(refused).toEqual([
      ["INVALID_STATE", "place"],
      ["INVALID_STATE", "stops.0.note"],
      ["INVALID_STATE", "stops.0.note"],
      ["INVALID_STATE", "place"],
      ["INVALID_STATE", "place"],
    ]);
    expect(trip.state).toEqual({ place: "home", stops: [] });
    await manager.close();
  });
});

describe('with undefinedFields "drop"', () => {
  test("it goes, in memory as on disk", async () => {
    const { storage, manager, trip } = await opened({ undefinedFields: "drop" });
    trip.update((draft) => {
      draft.place = undefined;
      draft.stops.push({ name: "Oslo", note: undefined });
      (draft as { other?: unknown }).other = undefined;
    });
    const expected = { stops: [{ name: "Oslo" }] };
    expect(trip.state).toStrictEqual(expected);
    await trip.flush();
    expect(await managerOver(storage).loadState("trip")).toStrictEqual(expected);
    trip.update(() => ({ ...START }));
    trip.replaceState(START);
    expect(trip.state).toStrictEqual(expected);
    await trip.close();
    await manager.saveState("other", START);
    expect(await manager.loadState("other")).toStrictEqual(expected);
    const third = await manager.open<Trip>("third", { initial: START });
    expect(third.state).toStrictEqual(expected);
    await manager.close();
  });

  test("an entry of a list is refused all the same", async () => {
    const { manager, trip } = await opened({ undefinedFields: "drop" });
    const hole = (): void => {
      trip.update((draft) => {
        (draft.stops as unknown[]).push(undefined);
      });
    };
    expect(await refusedPath(hole)).toEqual(["INVALID_STATE", "stops.0"]);
    expect(await refusedPath(() => manager.saveState("other", { list: [undefined] }))).toEqual([
      "INVALID_STATE",
      "list.0",
    ]);
    await manager.close();
  });
});
