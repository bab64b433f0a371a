/** A lock as a guard: what a guarded statement is given of it, and what it means when the statement found it lost. */
import { DraftstateError } from "../../errors.js";
import type { Tables } from "./tables.js";

export interface Holding {
  readonly name: string;
  /** Increases with each acquisition of any lock of the store. */
  readonly fence: number;
  /** Tells two acquisitions apart even where a standby that took over repeats a number. */
  readonly nonce: string;
  state: "held" | "released" | "lost";
}

/**
 * The row that says that this holding has the lock, locked itself: an acquisition changes the row, so it waits for the write
 * that is under way or is seen by it. $1 to $3 are the holding's.
 */
export function heldRow(tables: Tables): string {
  return `held as (select 1 from ${tables.locks} where name = $1 and fence = $2::int8 and nonce = $3 for share)`;
}

export function guardValues({ name, fence, nonce }: Holding): unknown[] {
  return [name, fence, nonce];
}

export function lockLost(place: string, holding: Holding): DraftstateError {
  const reason = holding.state === "released" ? "it was released" : "another process took it over";
  if (holding.state === "held") holding.state = "lost";
  const path = `${place}/locks/${holding.name}`;
  return new DraftstateError("LOCKED", `the lock ${path} is no longer ours: ${reason}; nothing was overwritten`, {
    path,
  });
}

/** Throws `LOCKED` for one that is known not to be held: the statement need not be asked. */
export function assertNotGivenUp(place: string, holding: Holding | undefined): void {
  if (holding !== undefined && holding.state !== "held") throw lockLost(place, holding);
}
