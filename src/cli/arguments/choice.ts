/** Options and arguments with a fixed set of values: help lists them, shells complete them, a wrong one is a `USAGE` error. */
import { Argument, Option } from "commander";
import { DraftstateError } from "../../errors.js";

export function choiceOption(flags: string, description: string, choices: readonly string[]): Option {
  const option = new Option(flags, description).choices(choices);
  return option.argParser(parseChoice(`--${option.name()}`, choices));
}

export function choiceArgument(name: string, description: string, choices: readonly string[]): Argument {
  return new Argument(name, description).choices(choices).argParser(parseChoice(name, choices));
}

function parseChoice(name: string, choices: readonly string[]): (text: string) => string {
  return (text) => {
    if (choices.includes(text)) return text;
    throw new DraftstateError(
      "USAGE",
      `invalid ${name} ${JSON.stringify(text)}: expected one of ${choices.join(", ")}`,
    );
  };
}
