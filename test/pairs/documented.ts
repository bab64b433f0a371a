/**
 * Errors that a pair may give though neither sequential order does. Everything else that an operation rejects with must be
 * what it rejects with in one of the orders. The other operation's outcome must then be its outcome alone.
 */
import type { ErrorCode } from "../../src/errors.js";
import type { PairCase } from "./stage.js";

export interface DocumentedError {
  readonly code: ErrorCode;
  readonly reason: string;
  readonly applies: (pair: PairCase, side: "A" | "B") => boolean;
}

const isPair = ({ first, second }: PairCase, ...names: string[]): boolean =>
  [first.name, second.name].sort().join() === [...names].sort().join();
const own = ({ first, second }: PairCase, side: "A" | "B"): string => (side === "A" ? first : second).name;
const other = ({ first, second }: PairCase, side: "A" | "B"): string => (side === "A" ? second : first).name;

export const DOCUMENTED: readonly DocumentedError[] = [
  {
    code: "LOCKED",
    reason:
      "one writer at a time: the second of two managers is turned away while the first holds the lock, or has held it for the whole `lockTimeout`",
    applies: ({ setting, first, second }) => setting !== "one manager" && first.writes && second.writes,
  },
  {
    code: "LOCKED",
    reason: "a restore or undo of a handle that is being changed without pause may give up",
    applies: (pair, side) =>
      (pair.start === "handle" || pair.start === "answering") &&
      ["restore", "undo"].includes(own(pair, side)) &&
      ["update", "appendToken"].includes(other(pair, side)),
  },
  {
    code: "LOCKED",
    reason: "two forks to one new id: the second finds the copy being made",
    applies: (pair) => isPair(pair, "fork", "fork"),
  },
  {
    code: "NOT_FOUND",
    reason: "two undos of one operation: one takes it back, the other finds it taken back",
    applies: (pair) => isPair(pair, "undo", "undo"),
  },
  {
    code: "NOT_FOUND",
    reason:
      "a redo that waits for the lock while something else is undone: what it was to revert is no longer undone last",
    applies: (pair, side) => isPair(pair, "redo", "undo") && own(pair, side) === "redo",
  },
];

export function documentedError(pair: PairCase, side: "A" | "B", result: string): DocumentedError | undefined {
  return DOCUMENTED.find(({ code, applies }) => code === result && applies(pair, side));
}
