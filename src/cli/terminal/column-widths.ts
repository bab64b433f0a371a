/**
 * Decides how wide each column of a table becomes so that a line fits: pure arithmetic over numbers of columns.
 * First the widest shrinkable columns give way, down to their minimum, then the others that have one; if that is not
 * enough, the shrinkable ones down to one column, then the others; and when even one column each is too much, the last
 * ones are left out. Before all that, a table may leave out what matters least (`columnsThatFit`): few columns that can be
 * read say more than many that cannot.
 */
export const COLUMN_GAP = 2;
const DEFAULT_MINIMUM = 8;

export interface ColumnDemand {
  /** The width of its widest cell or title. */
  readonly natural: number;
  readonly shrink?: boolean | undefined;
  /** How far it gives way before others do: a shrinkable one at first, another one when those have. */
  readonly minimum?: number | undefined;
  /** Left out the sooner, the higher, where the table is too wide; 0 or left out: stays. */
  readonly dispensable?: number | undefined;
  /** The width it is to have before others are left out for it; what it needs at least, unless said. */
  readonly room?: number | undefined;
}

/** Which columns are shown, by their places. */
export function columnsThatFit(demands: readonly ColumnDemand[], width: number): number[] {
  let chosen = demands.map((_, index) => index);
  for (;;) {
    const needed = sum(chosen.map((index) => roomFor(demands[index]))) + COLUMN_GAP * (chosen.length - 1);
    const most = Math.max(0, ...chosen.map((index) => demands[index]?.dispensable ?? 0));
    if (needed <= width || most === 0) return chosen;
    chosen = chosen.filter((index) => (demands[index]?.dispensable ?? 0) < most);
  }
}

function roomFor(demand: ColumnDemand | undefined): number {
  if (demand === undefined) return 0;
  return demand.room === undefined ? comfortable(demand) : Math.min(demand.natural, demand.room);
}

/** One width for each column that is shown, from the left: fewer than there are columns when not all find room. */
export function planColumnWidths(demands: readonly ColumnDemand[], width: number): number[] {
  const shown = demands.slice(0, Math.max(0, Math.floor((width + COLUMN_GAP) / (1 + COLUMN_GAP))));
  const room = width - COLUMN_GAP * Math.max(0, shown.length - 1);
  let widths = shown.map(({ natural }) => Math.min(natural, width));
  for (const floorOf of [comfortable, anyToMinimum, shrinkableToOne, anyToOne]) widths = lowerWidest(widths, shown.map(floorOf), room);
  return widths;
}

function comfortable({ natural, shrink, minimum }: ColumnDemand): number {
  return shrink === true ? Math.min(natural, Math.max(1, minimum ?? DEFAULT_MINIMUM)) : natural;
}

function anyToMinimum(demand: ColumnDemand): number {
  return Math.min(comfortable(demand), demand.minimum ?? demand.natural);
}

function shrinkableToOne(demand: ColumnDemand): number {
  return demand.shrink === true ? Math.min(demand.natural, 1) : anyToMinimum(demand);
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
