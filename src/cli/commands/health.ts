/**
 * `health`: checks for people and monitors. Exit status 0 for ok and warn, 4 where files are damaged, 7 for everything
 * else that fails; with `--nagios` the statuses and the one line that monitoring plugins have.
 */
import { DraftstateError } from "../../errors.js";
import type { Health, HealthCheck, HealthStatus } from "../../monitoring/health.js";
import type { CommandContext } from "../context.js";
import { parseDuration } from "../arguments/parse.js";
import { checkAccess } from "../settings/exposed-places.js";
import { toSafeLine } from "../terminal/text/safe-text.js";
import { renderTable } from "../terminal/tables/table.js";
import type { Paint, Style } from "../terminal/text/style.js";
import type { Register } from "./registration.js";

interface HealthCommandOptions {
  readonly quick?: boolean;
  readonly minFree?: number;
  readonly maxUnsaved?: number;
  readonly maxBackupAge?: number;
  readonly nagios?: boolean;
}

const DAMAGED = 4;
const STORAGE = 7;
const NAGIOS: Readonly<Record<HealthStatus, readonly [number, string]>> = {
  ok: [0, "OK"],
  warn: [1, "WARNING"],
  fail: [2, "CRITICAL"],
};
const SIZE_UNITS: Readonly<Record<string, number>> = { "": 1, K: 1024, M: 1024 ** 2, G: 1024 ** 3, T: 1024 ** 4 };

function parseSize(text: string): number {
  const [, amount, unit = ""] = /^(\d{1,12})([KMGT]?)$/i.exec(text) ?? [];
  const factor = SIZE_UNITS[unit.toUpperCase()];
  if (amount === undefined || factor === undefined)
    throw new DraftstateError(
      "USAGE",
      `invalid --min-free ${JSON.stringify(text)}: expected bytes, or a number and K, M, G or T, such as 500M`,
    );
  return Number(amount) * factor;
}

function paintOf(style: Style, status: string): Paint {
  return status === "ok" ? style.green : status === "warn" ? style.yellow : style.red;
}

function render({ checks }: Health, { output }: CommandContext): string {
  const { style, width } = output;
  const columns = [
    { title: "CHECK" },
    { title: "STATUS", paint: (shown: string, cell: string) => paintOf(style, cell)(shown) },
    { title: "DETAIL" },
  ];
  // Not cut to the terminal: the end of a line matters as often as its beginning.
  const table = renderTable({
    columns,
    rows: checks.map(({ name, status, detail }) => [name, status, detail]),
    width: width === undefined ? undefined : Number.MAX_SAFE_INTEGER,
    style,
  });
  return table;
}

function statusOf({ status, checks }: Health): number {
  if (status !== "fail") return 0;
  const failing = checks.filter((check) => check.status === "fail");
  return failing.every(({ name }) => name === "damaged-files") ? DAMAGED : STORAGE;
}

/** `DRAFTSTATE WARNING - stale-locks: …`; a bar would begin performance data. */
function nagiosLine({ status, checks }: Health): string {
  const bad = checks.filter((check: HealthCheck) => check.status !== "ok");
  const text =
    bad.length === 0
      ? `${checks.length} checks passed`
      : bad.map(({ name, detail }) => `${name}: ${detail}`).join("; ");
  return `DRAFTSTATE ${NAGIOS[status][1]} - ${toSafeLine(text).replaceAll("|", "/")}`;
}

/** A check that warns. */
function withCheck(health: Health, check: HealthCheck | undefined): Health {
  if (check === undefined) return health;
  return { status: health.status === "fail" ? "fail" : "warn", checks: [...health.checks, check] };
}

export const registerHealth: Register = (program, run) => {
  program
    .command("health")
    .summary("check the store, also for monitoring")
    .description(
      "Check that the directories are writable and have free space, that no file is damaged and no lock is stale, how old unsaved changes and backups are, whether the fallback directory is in use, and whether somebody else can change the files. Exits with 0 for ok and warn, 4 if files are damaged, 7 if anything else fails.",
    )
    .option("--quick", "check only the end of each snapshot for damage: for stores of many gigabytes")
    .option("--min-free <size>", "warn below this free space, fail below a tenth of it (default: 500M)", parseSize)
    .option(
      "--max-unsaved <age>",
      "warn about changes unsaved for longer, fail at ten times that (default: 60s)",
      parseDuration("--max-unsaved"),
    )
    .option(
      "--max-backup-age <age>",
      "warn about changes without a backup for longer (default: 1d)",
      parseDuration("--max-backup-age"),
    )
    .option("--nagios", "print one line and exit as monitoring plugins do: 0 ok, 1 warning, 2 critical")
    .addHelpText(
      "after",
      "\nExamples:\n  draftstate health\n  draftstate health --json | jq -e '.status == \"ok\"'\n  draftstate health --nagios --quick",
    )
    .action((options: HealthCommandOptions) =>
      run(async (context) => {
        const { quick = false, minFree, maxUnsaved, maxBackupAge } = options;
        const manager = await context.manager();
        const found = await manager.health({
          quick,
          ...(minFree === undefined ? {} : { minFreeBytes: minFree }),
          ...(maxUnsaved === undefined ? {} : { maxUnsavedMs: maxUnsaved }),
          ...(maxBackupAge === undefined ? {} : { maxBackupAgeMs: maxBackupAge }),
        });
        const { output } = context;
        const checked = withCheck(found, await checkAccess(context));
        const health = { ...checked, checks: output.detailed(checked.checks) };
        if (context.json) output.json(health);
        else if (options.nagios === true) output.line(nagiosLine(health));
        else {
          output.line(render(health, context));
          output.message(`status: ${paintOf(output.errorStyle, health.status)(health.status)}`);
        }
        return options.nagios === true ? NAGIOS[health.status][0] : statusOf(health);
      }),
    );
};
