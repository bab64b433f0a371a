/** What `column-widths.ts` promises: who gives way, in which order, and that the sum always fits. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { planColumnWidths } from "../../../../src/cli/terminal/tables/column-widths.js";

test("columns that fit keep their width", () => {
  expect(planColumnWidths([{ natural: 10, shrink: true }, { natural: 5 }], 17)).toEqual([10, 5]);
});

test("only shrinkable columns give way while they can, and fill the width exactly", () => {
  expect(planColumnWidths([{ natural: 10 }, { natural: 50, shrink: true }], 40)).toEqual([10, 28]);
});

test("the widest gives way first", () => {
  expect(
    planColumnWidths(
      [
        { natural: 30, shrink: true },
        { natural: 12, shrink: true },
      ],
      34,
    ),
  ).toEqual([20, 12]);
});

test("a minimum is kept as long as another column can give way", () => {
  const demands = [
    { natural: 30, shrink: true, minimum: 20 },
    { natural: 30, shrink: true, minimum: 5 },
  ];
  expect(planColumnWidths(demands, 32)).toEqual([20, 10]);
});

test("columns that may not shrink give way when nothing else is left", () => {
  expect(planColumnWidths([{ natural: 10 }, { natural: 10, shrink: true }], 10)).toEqual([7, 1]);
});

test("the last columns are left out when there is no room for one column each", () => {
  expect(planColumnWidths([{ natural: 5 }, { natural: 5 }, { natural: 5 }], 5)).toEqual([1, 2]);
  expect(planColumnWidths([{ natural: 5 }], 0)).toEqual([]);
});

test("whatever the demands, the line fits, and is full when something was cut", () => {
  const demand = fc.record({ natural: fc.nat(300), shrink: fc.boolean(), minimum: fc.nat(40) });
  fc.assert(
    fc.property(fc.array(demand, { minLength: 1, maxLength: 8 }), fc.nat(130), (demands, width) => {
      const widths = planColumnWidths(demands, width);
      const line = widths.reduce((total, value) => total + value, 0) + 2 * Math.max(0, widths.length - 1);
      expect(line).toBeLessThanOrEqual(width);
      const wasCut = widths.some((value, index) => value < (demands[index]?.natural ?? 0));
      if (wasCut && widths.length === demands.length) expect(line).toBe(width);
    }),
  );
});

test("columns of any size are settled at once", { timeout: 5_000 }, () => {
  const huge = { natural: 1_000_000_000, shrink: true };
  expect(planColumnWidths([huge, huge], 80)).toEqual([39, 39]);
});
