/** What every command's `register` is given: the program to add itself to, and how its work is run. */
import type { Command } from "commander";
import type { CommandContext } from "../context.js";

/** Runs a command's work with its context; the number it gives is the exit status, 0 where it gives none. */
export type Run = (act: (context: CommandContext) => Promise<number | void>) => Promise<void>;

export type Register = (program: Command, run: Run) => void;
