/** What the parser of arguments refuses, in the words of the other errors here. Pure. */
import { meantBy } from "./command-synonyms.js";

export interface Refusal {
  /** Of the parser. */
  readonly code: string;
  readonly message: string;
}

/** One line; `whereToLook` ends it where it does not itself say what to do. */
export function usageMessage(error: Refusal, whereToLook: string): string {
  const text = error.message.replace(/^error: /, "").replaceAll(/\s*\n\s*/g, " ");
  const meant = error.code === "commander.unknownCommand" ? otherName(text) : undefined;
  if (meant !== undefined) return meant;
  return text.includes("Did you mean") ? text : `${rephrased(error.code, text)}; ${whereToLook}`;
}

function otherName(text: string): string | undefined {
  const [, word = ""] = /'([^']*)'/.exec(text) ?? [];
  const meant = meantBy(word);
  return meant === undefined ? undefined : `unknown command '${word}': here it is draftstate ${meant}`;
}

function rephrased(code: string, text: string): string {
  if (code === "commander.excessArguments")
    return text.replace(
      /^too many arguments for '(\S+)'\. Expected (\d+) (arguments?) but got (\d+)\.$/,
      (_all, name: string, most: string, noun: string, given: string) =>
        `draftstate ${name} takes ${most === "0" ? "no" : most} ${noun}, and was given ${given}`,
    );
  if (code === "commander.optionMissingArgument")
    return text.replace(/^option '(.*)' argument missing$/, "$1 needs a value");
  return text;
}
