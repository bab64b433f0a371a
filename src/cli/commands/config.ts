/** `config`: shows the settings in effect and where each comes from; of secrets, only whether they are set. */
import { DraftstateError } from "../../errors.js";
import type { CommandContext } from "../context.js";
import { ALL_SETTINGS, type Origin } from "../settings/settings.js";
import { toSafeLine } from "../terminal/text/safe-text.js";
import { renderTable } from "../terminal/tables/table.js";
import type { Register } from "./registration.js";

/** Read from the environment only, and never shown. */
const SECRETS = ["OPENAI_API_KEY"];

interface ShownSetting {
  readonly name: string;
  readonly value: unknown;
  readonly default: unknown;
  readonly origin: "flag" | "environment" | "file" | "default";
  /** The flag, the variable or the file's path; null for a default. */
  readonly from: string | null;
  readonly description: string;
}

function originOf(name: string, origin: Origin): Pick<ShownSetting, "origin" | "from"> {
  if (origin === "default") return { origin, from: null };
  if (origin === "flag")
    return { origin, from: `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}` };
  return "file" in origin ? { origin: "file", from: origin.file } : { origin: "environment", from: origin.variable };
}

/** A URL without its password and query, which may be a key. */
function withoutSecrets(value: unknown): unknown {
  if (typeof value !== "string" || !URL.canParse(value)) return value;
  const url = new URL(value);
  if (url.password === "" && url.search === "") return value;
  if (url.password !== "") url.password = "***";
  if (url.search !== "") url.search = "?***";
  return url.href;
}

/** The whole path of some URLs is a key. */
function hostOnly(value: unknown): unknown {
  return typeof value === "string" ? `${new URL(value).protocol}//${new URL(value).host}/***` : value;
}

function settingsOf({ origins, settings }: CommandContext): ShownSetting[] {
  const values = settings as unknown as Readonly<Record<string, unknown>>;
  return Object.entries(ALL_SETTINGS).map(([name, { kind, description, default: preset }]) => ({
    name,
    value: (kind === "secret-url" ? hostOnly(values[name]) : withoutSecrets(values[name])) ?? null,
    default: preset ?? null,
    ...originOf(name, origins[name] ?? "default"),
    description,
  }));
}

function shown(value: unknown): string {
  return typeof value === "string" ? value : value === null ? "" : JSON.stringify(value);
}

function secretsOf({ env }: CommandContext): { readonly name: string; readonly set: boolean }[] {
  return SECRETS.map((name) => ({ name, set: (env[name] ?? "") !== "" }));
}

function render(context: CommandContext): string {
  const { style, width } = context.output;
  const rows = settingsOf(context).map(({ name, value, origin, from, description }) => [
    name,
    shown(value),
    from ?? origin,
    description,
  ]);
  const secrets = secretsOf(context).map(({ name, set }) => [
    name,
    set ? "set, never shown" : "not set",
    set ? "environment" : "",
    "API key of the model provider; from the environment only",
  ]);
  return renderTable({
    style,
    width,
    columns: [
      { title: "SETTING" },
      { title: "VALUE", shrink: true, minimum: 8 },
      {
        title: "FROM",
        shrink: true,
        minimum: 8,
        paint: (shown, cell) => (cell === "default" ? style.dim(shown) : style.cyan(shown)),
      },
      { title: "MEANS", shrink: true, minimum: 4, paint: (shown) => style.dim(shown) },
    ],
    rows: [...rows, ...secrets],
  });
}

export const registerConfig: Register = (program, run) => {
  program
    .command("config")
    .summary("show the settings in effect and where each comes from")
    .description(
      "Show the settings in effect and where each comes from: a flag, a DRAFTSTATE_* variable, the nearest of draftstate.config.json, .draftstaterc and package.json#draftstate, or the default. Keys are never shown.",
    )
    .addHelpText(
      "after",
      "\nExamples:\n  draftstate config\n  DRAFTSTATE_MAX_BACKUPS=5 draftstate config\n  draftstate config --json | jq '.settings[] | select(.origin != \"default\")'",
    )
    .allowExcessArguments()
    .action((_options: unknown, command: { readonly args: readonly string[] }) =>
      run(async (context) => {
        if (command.args.length > 0) {
          throw new DraftstateError(
            "USAGE",
            "config shows all settings and takes no arguments: find one with draftstate config | grep maxBackups; set one in draftstate.config.json or with a variable such as DRAFTSTATE_MAX_BACKUPS",
          );
        }
        const { output, settingsFile: file } = context;
        if (context.json)
          output.json({ file: file ?? null, settings: settingsOf(context), secrets: secretsOf(context) });
        else {
          output.line(render(context));
          output.message(
            output.errorStyle.dim(
              file === undefined
                ? "no settings file in this or a parent directory"
                : toSafeLine(`settings file: ${file}`),
            ),
          );
        }
      }),
    );
};
