/** Errors of the argument parser in the style of our own. Pure. */
import { meantBy } from "./command-synonyms.js";

export interface Refusal {
  /** Of the parser. */
  readonly code: string;
  readonly message: string;
}

/** One line; ends with `whereToLook` if it does not say what to do by itself. */
export function usageMessage(error: Refusal, whereToLook: string): string {
  const text = error.message.replace(/^error: /, "").replaceAll(/\s*\n\s*/g, " ");
  const meant = error.code === "commander.unknownCommand" ? synonymOf(text) : undefined;
  if (meant !== undefined) return meant;
  if (text.includes("Did you mean")) return text.replace("(Did you mean", "(did you mean");
  return `${rephrased(error.code, text)}; ${whereToLook}`;
}

function synonymOf(text: string): string | undefined {
  const [, word = ""] = /'([^']*)'/.exec(text) ?? [];
  const meant = meantBy(word);
  return meant === undefined ? undefined : `unknown command '${word}': use draftstate ${meant}`;
}

function rephrased(code: string, text: string): string {
  if (code === "commander.excessArguments")
    return text.replace(
      /^too many arguments for '(\S+)'\. Expected (\d+) (arguments?) but got (\d+)\.$/,
      (_all, name: string, most: string, noun: string, given: string) =>
        `draftstate ${name} takes ${most === "0" ? "no" : most} ${noun} but got ${given}`,
    );
  if (code === "commander.optionMissingArgument")
    return text.replace(/^option '(.*)' argument missing$/, "$1 needs a value");
  return text;
}
