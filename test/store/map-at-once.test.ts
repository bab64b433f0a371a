/** Acts that share a few places: all results in order, and after a failure nothing that still works. */
import { expect, test } from "vitest";
import { mapAtOnce } from "../../src/store/map-at-once.js";

const soon = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5));

test("gives results in the order of the items, with no more under way than the limit", async () => {
  let [underWay, most] = [0, 0];
  const doubled = await mapAtOnce([1, 2, 3, 4, 5], 2, async (item) => {
    most = Math.max(most, (underWay += 1));
    await soon();
    underWay -= 1;
    return item * 2;
  });
  expect([doubled, most]).toEqual([[2, 4, 6, 8, 10], 2]);
});

test("rejects with the first failure once nothing is under way, and begins no other", async () => {
  const [begun, ended]: [number[], number[]] = [[], []];
  const mapped = mapAtOnce([0, 1, 2, 3, 4], 3, async (item) => {
    begun.push(item);
    if (item === 0) throw new Error("the first");
    await soon();
    ended.push(item);
    if (item === 1) throw new Error("another");
  });
  await expect(mapped).rejects.toThrow("the first");
  expect([begun, ended]).toEqual([
    [0, 1, 2],
    [1, 2],
  ]);
});
