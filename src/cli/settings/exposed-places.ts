/**
 * What of a store another user may change: directories that belong to another user or that others may write, files of
 * another user, and files with a second name elsewhere. Conversations in them are only as safe as those others are kind.
 */
import { join } from "node:path";
import { nodeFileSystem } from "../../storage/fs/node-file-system.js";
import { attributesOf } from "../../storage/fs/paths.js";
import { exposureOf } from "../../storage/ownership.js";
import type { HealthCheck } from "../../monitoring/health.js";
import type { CommandContext } from "../context.js";
import { chosenStore } from "./store-setting.js";

const NAMED = 3;

/** A line for each directory, with how to repair it. */
export function exposedDirectories(context: CommandContext): string[] {
  return directoriesOf(context).flatMap((directory) => {
    const why = exposureOf(directory);
    return why === undefined
      ? []
      : [`others can change the conversations in ${directory}: ${why}; ${repairOf(why)} ${directory}`];
  });
}

/** Undefined if no other user can change anything. */
export async function checkAccess(context: CommandContext): Promise<HealthCheck | undefined> {
  const files = (await Promise.all(directoriesOf(context).map(exposedFiles))).flat();
  const more = files.length > NAMED ? ` and ${files.length - NAMED} more` : "";
  const found = [
    ...exposedDirectories(context),
    ...(files.length === 0 ? [] : [files.slice(0, NAMED).join("; ") + more]),
  ];
  return found.length === 0 ? undefined : { name: "access", status: "warn", detail: found.join("; ") };
}

function directoriesOf(context: CommandContext): string[] {
  const store = chosenStore(context.resolved);
  const { fallbackDir } = context.settings;
  const places = store.kind === "files" ? [store.stateDir, store.backupDir] : [];
  return [...places, ...(fallbackDir === undefined ? [] : [fallbackDir])].map((place) => context.pathOf(place));
}

function repairOf(why: string): string {
  return why.includes("belongs")
    ? "take it over with chown, or use a directory of your own, instead of"
    : "repair it with chmod go-w";
}

async function exposedFiles(directory: string): Promise<string[]> {
  const names = await nodeFileSystem.list(directory).catch(() => []);
  return names.flatMap((name) => {
    const path = join(directory, name);
    const why = exposureOf(path) ?? (hasOtherName(path) ? "it has a second name elsewhere (a hard link)" : undefined);
    return why === undefined ? [] : [`${path}: ${why}`];
  });
}

function hasOtherName(path: string): boolean {
  const found = attributesOf(path);
  return found !== undefined && found.isFile && found.links > 1;
}
