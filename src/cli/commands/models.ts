/** `models`: the names that --model understands here, and what the server of OpenAI's protocol offers. */
import { isDraftstateError } from "../../errors.js";
import { redactUrl } from "../../model/urls.js";
import { PROVIDERS } from "../../model/providers.js";
import type { CommandContext } from "../context.js";
import { exitStatusOf } from "../exit-status.js";
import { offeredBy, serverFor } from "../models/offered.js";
import { renderTable } from "../terminal/tables/table.js";
import { toSafeLine } from "../terminal/text/safe-text.js";
import type { Register } from "./registration.js";

export const registerModels: Register = (program, run) => {
  program
    .command("models")
    .summary("list aliases of models, and what the server offers")
    .description(
      "List the aliases of your settings (models) and the models that an OpenAI-compatible server offers: the one of --base-url or the settings, or OpenAI with OPENAI_API_KEY.",
    )
    .option("--base-url <url>", "URL of an OpenAI-compatible server")
    .addHelpText(
      "after",
      "\nExamples:\n  draftstate models\n  draftstate models --base-url http://localhost:11434/v1\n  draftstate models --json | jq -r '.server.models[]'",
    )
    .action(() => run(list));
};

interface Offer {
  readonly url: string;
  readonly models: readonly string[];
  readonly error: string | null;
}

async function list(context: CommandContext): Promise<number> {
  const url = serverFor(context);
  let failure: unknown;
  const models =
    url === undefined
      ? []
      : await offeredBy(context, url).catch((error: unknown) => {
          if (!isDraftstateError(error, "MODEL")) throw error;
          failure = error;
          return [];
        });
  const error = isDraftstateError(failure) ? failure.message : null;
  const offer = url === undefined ? undefined : { url: redactUrl(url), models, error };
  if (context.json) context.output.json(describe(context, offer));
  else print(context, offer);
  if (error !== null) context.output.error(error);
  return failure === undefined ? 0 : exitStatusOf(failure);
}

function describe({ settings }: CommandContext, offer: Offer | undefined): unknown {
  return {
    aliases: Object.entries(settings.models).map(([name, model]) => ({ name, model })),
    server: offer ?? null,
    providers: Object.entries(PROVIDERS).map(([name, { packageName }]) => ({ name, package: packageName })),
  };
}

function print({ settings, output }: CommandContext, offer: Offer | undefined): void {
  const { style, width } = output;
  const aliases = Object.entries(settings.models).map(([name, model]) => [name, model, "alias"]);
  const offered = (offer?.models ?? []).map((name) => [name, name, offer?.url ?? ""]);
  const rows = [...aliases, ...offered].map((row) => row.map(toSafeLine));
  if (rows.length > 0)
    output.line(
      renderTable({
        style,
        width,
        columns: [
          { title: "NAME" },
          { title: "MODEL", shrink: true, minimum: 8 },
          { title: "FROM", shrink: true, minimum: 5 },
        ],
        rows,
      }),
    );
  const say = (text: string): void => {
    output.message(output.errorStyle.dim(text));
  };
  if (rows.length === 0 && offer === undefined)
    say('no aliases (setting "models") and no server: give --base-url, or set OPENAI_API_KEY');
  say(
    `always: offline; with their packages: ${Object.keys(PROVIDERS)
      .map((name) => `${name}:<name>`)
      .join(", ")}`,
  );
}
