/** Options for a model's constructor, as `-o name=value` gives them: JSON where it parses, and neither keys nor addresses, which have their own places. Pure. */
import { DraftstateError } from "../../errors.js";
import { freezeJson, type Json } from "../../model/json.js";

const SECRET = /(api|access|secret|private)_?key|secret|password|credential|bearer|authorization|headers/i;
const ADDRESS = /url$|endpoint|^(configuration|clientOptions|client|httpClient|fetch|callbacks|profile)$/i;

type Options = Readonly<Record<string, Json>>;

/** One option, with those before it. */
export function withOption(text: string, before: Options = {}): Options {
  const [, name = "", value = ""] = /^([^=]*)=(.*)$/s.exec(text) ?? [];
  if (name === "") throw wrong(`-o ${JSON.stringify(text)}: expected name=value, such as -o topP=0.9`);
  return { ...before, [name]: valueOf(value) };
}

function valueOf(text: string): Json {
  try {
    return freezeJson(JSON.parse(text));
  } catch {
    return text;
  }
}

/** Throws `INVALID_CONFIG` for what would be stored in a settings file, or send a key elsewhere. */
export function assertNoSecrets(options: Options): void {
  for (const name of Object.keys(options)) {
    if (SECRET.test(name)) throw wrong(`option ${name}: keys come from the environment only`);
    if (ADDRESS.test(name)) throw wrong(`option ${name}: the address of a server is given with --base-url`);
  }
}

function wrong(message: string): DraftstateError {
  return new DraftstateError("INVALID_CONFIG", message, { path: "options" });
}
