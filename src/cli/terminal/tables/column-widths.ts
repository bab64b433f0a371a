/**
 * Decides how wide each column of a table becomes so that a line fits: pure arithmetic over numbers of columns.
 * First the widest shrinkable columns give way, down to their minimum; if that is not enough, down to one column;
 * then the others; and when even one column each is too much, the last ones are left out.
 */
export const COLUMN_GAP = 2;
const DEFAULT_MINIMUM = 8;

export interface ColumnDemand {
  /** The width of its widest cell or title. */
  readonly natural: number;
  readonly shrink?: boolean | undefined;
  /** How far a shrinkable column gives way before others do. */
  readonly minimum?: number | undefined;
}

/** One width for each column that is shown, from the left: fewer than there are columns when not all find room. */
export function planColumnWidths(demands: readonly ColumnDemand[], width: number): number[] {
  const shown = demands.slice(0, Math.max(0, Math.floor((width + COLUMN_GAP) / (1 + COLUMN_GAP))));
  const room = width - COLUMN_GAP * Math.max(0, shown.length - 1);
  let widths = shown.map(({ natural }) => Math.min(natural, width));
  for (const floorOf of [comfortable, shrinkableToOne, anyToOne])
    widths = lowerWidest(widths, shown.map(floorOf), room);
  return widths;
}

function comfortable({ natural, shrink, minimum }: ColumnDemand): number {
  return shrink === true ? Math.min(natural, Math.max(1, minimum ?? DEFAULT_MINIMUM)) : natural;
}

function shrinkableToOne({ natural, shrink }: ColumnDemand): number {
  return shrink === true ? Math.min(natural, 1) : natural;
}

function anyToOne({ natural }: ColumnDemand): number {
  return Math.min(natural, 1);
}

/** Lowers the widest column that is above its floor, again and again: down to the next widest at once, or by one for each tie. */
function lowerWidest(widths: readonly number[], floors: readonly number[], room: number): number[] {
  const lowered = [...widths];
  for (let excess = sum(lowered) - room; excess > 0; excess = sum(lowered) - room) {
    const [widest, next] = widestTwo(lowered, floors);
    if (widest === undefined) break;
    const current = lowered[widest] ?? 0;
    lowered[widest] = Math.max(floors[widest] ?? 0, Math.min(current - 1, next), current - excess);
  }
  return lowered;
}

/** The column to lower, and the width of the runner-up. */
function widestTwo(widths: readonly number[], floors: readonly number[]): [index: number | undefined, next: number] {
  let widest: number | undefined;
  let next = 0;
  widths.forEach((width, index) => {
    if (width <= (floors[index] ?? 0)) return;
    const best = widest === undefined ? -1 : (widths[widest] ?? 0);
    if (width > best) [widest, next] = [index, Math.max(0, best)];
    else next = Math.max(next, width);
  });
  return [widest, next];
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, value) => total + value, 0);
}
