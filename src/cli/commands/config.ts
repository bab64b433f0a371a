/** `config`: shows the settings in effect and where each comes from; of secrets, only whether they are set. */
import { DraftstateError } from "../../errors.js";
import { PROVIDERS } from "../../model/providers.js";
import type { CommandContext } from "../context.js";
import { ALL_SETTINGS } from "../settings/definitions.js";
import { settingsNotices } from "../settings/notices.js";
import type { Origin } from "../settings/settings.js";
import { shownValue } from "../settings/shown-value.js";
import { toSafeLine } from "../terminal/text/safe-text.js";
import { renderTable } from "../terminal/tables/table.js";
import type { Register } from "./registration.js";

/** Read from the environment only, and never shown. */
const SECRETS = ["OPENAI_API_KEY", ...Object.values(PROVIDERS).flatMap(({ keys }) => keys)];

interface ShownSetting {
  readonly name: string;
  readonly value: unknown;
  readonly default: unknown;
  readonly origin: "flag" | "environment" | "file" | "user" | "default";
  /** The flag, the variable or the file's path; null for a default. */
  readonly from: string | null;
  /** A settings file that says something else in vain. */
  readonly ignored: { readonly from: string; readonly why: string } | null;
  readonly description: string;
}

function originOf(name: string, origin: Origin): Pick<ShownSetting, "origin" | "from"> {
  if (origin === "default") return { origin, from: null };
  if (origin === "flag")
    return { origin, from: `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}` };
  if ("userFile" in origin) return { origin: "user", from: origin.userFile };
  return "file" in origin ? { origin: "file", from: origin.file } : { origin: "environment", from: origin.variable };
}

function settingsOf({ resolved: { origins, values, ignored } }: CommandContext): ShownSetting[] {
  const all = values as unknown as Readonly<Record<string, unknown>>;
  return Object.entries(ALL_SETTINGS).map(([name, { description, default: preset }]) => {
    const inVain = ignored.find((value) => value.name === name);
    return {
      name,
      value: shownValue(name, all[name]),
      default: preset ?? null,
      ...originOf(name, origins[name] ?? "default"),
      ignored: inVain === undefined ? null : { from: inVain.file, why: inVain.why },
      description,
    };
  });
}

/** Above all, what was ignored can be found by the setting's name. */
function fromColumn({ origin, from, ignored }: ShownSetting): string {
  const source = from ?? origin;
  return ignored === null ? source : `${source} (ignored in ${ignored.from}: ${ignored.why})`;
}

function shown(value: unknown): string {
  return typeof value === "string" ? value : value === null ? "" : JSON.stringify(value);
}

function secretsOf({ env }: CommandContext): { readonly name: string; readonly set: boolean }[] {
  return SECRETS.map((name) => ({ name, set: (env[name] ?? "") !== "" }));
}

function render(context: CommandContext): string {
  const { style, width } = context.output;
  const rows = settingsOf(context).map((setting) => [
    setting.name,
    shown(setting.value),
    fromColumn(setting),
    setting.description,
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
      "Show the settings in effect and where each comes from: a flag, a DRAFTSTATE_* variable, the nearest of draftstate.config.json, .draftstaterc and package.json#draftstate, your own config.json in $XDG_CONFIG_HOME/draftstate, or the default; and what a settings file says that is ignored, and why. Keys are never shown.",
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
        if (context.json) context.output.json(describe(context));
        else {
          context.output.line(render(context));
          sayFiles(context);
        }
      }),
    );
};

function describe(context: CommandContext): unknown {
  const { file, userFile, isTrusted, passedOver } = context.resolved;
  return {
    file: file ?? null,
    trusted: file === undefined ? null : isTrusted,
    userFile: userFile ?? null,
    ignoredFiles: passedOver,
    settings: settingsOf(context),
    secrets: secretsOf(context),
  };
}

function sayFiles({ output, resolved }: CommandContext): void {
  const say = (text: string): void => {
    output.message(output.errorStyle.dim(toSafeLine(text)));
  };
  const { file, userFile } = resolved;
  say(file === undefined ? "no settings file in this or a parent directory" : `settings file: ${file}`);
  if (userFile !== undefined) say(`your own settings: ${userFile}`);
  for (const notice of settingsNotices(resolved)) output.warning(notice);
}
