/** What the `register` function of every command gets: the program to add itself to, and how its work is run. */
import type { Command } from "commander";
import type { CommandContext } from "../context.js";

/** Runs a command's work with its context; the number it returns is the exit status, default 0. */
export type Run = (act: (context: CommandContext) => Promise<number | void>) => Promise<void>;

export type Register = (program: Command, run: Run) => void;
