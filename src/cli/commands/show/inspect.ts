/** `show --inspect`: the metadata of a conversation, and the health of its files. */
import type { DraftStatePersistenceManager } from "../../../manager.js";
import { snapshotKey } from "../../../store/names.js";
import type { CommandContext } from "../../context.js";
import { renderProperties } from "../../terminal/tables/properties.js";
import { formatBytes, pluralize } from "../../terminal/text/format.js";
import { toSafeLine } from "../../terminal/text/safe-text.js";
import type { Shown } from "./render.js";

export async function inspect(
  manager: DraftStatePersistenceManager,
  shown: Shown,
  context: CommandContext,
): Promise<number> {
  const { id, metadata } = shown;
  const [found, backups, stat] = [
    await manager.verify(id),
    await manager.listBackups(id),
    await manager.storage.stat(snapshotKey(id)),
  ];
  const verification = { ...found, problems: context.output.detailed(found.problems) };
  if (context.json) {
    context.output.json({
      _metadata: metadata,
      files: {
        snapshot: manager.storage.describe(snapshotKey(id)),
        sizeBytes: stat?.size ?? 0,
        backups: backups.length,
      },
      verification,
    });
  } else {
    const { style } = context.output;
    const { extra: _extra, ...known } = metadata;
    const properties = [
      ...Object.entries(known).map(([name, value]) => ({
        name,
        value: typeof value === "object" ? JSON.stringify(value) : String(value),
      })),
      { name: "snapshot", value: `${manager.storage.describe(snapshotKey(id))} (${formatBytes(stat?.size ?? 0)})` },
      { name: "backups", value: String(backups.length) },
      verification.ok
        ? { name: "health", value: "ok", paint: style.green }
        : { name: "health", value: pluralize(verification.problems.length, "problem"), paint: style.red },
    ];
    context.output.line(await renderProperties(properties, style));
    for (const problem of verification.problems)
      context.output.line(`  ${style.red(problem.kind)}  ${toSafeLine(`${problem.path}: ${problem.detail}`)}`);
  }
  return verification.ok ? 0 : 4;
}
