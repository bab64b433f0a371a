/** The settings file that `trust` and `untrust` are about: the one named, the one of a directory named, or the nearest. */
import { DraftstateError } from "../../errors.js";
import type { CommandContext } from "../context.js";
import { findSettingsFile, readSettingsFile, type PassedOver, type SettingsFile } from "./settings-file.js";
import { exposureOfFile } from "../../storage/ownership.js";
import { isUserDirectory } from "../../storage/user-file.js";

/** Throws `NOT_FOUND` if there is none, `USAGE` for one that another user could have written. */
export async function mustFindSettings(context: CommandContext, named: string | undefined): Promise<SettingsFile> {
  const { io } = context;
  const path = named === undefined ? undefined : context.pathOf(named);
  if (path !== undefined && !(await isUserDirectory(path))) return vouchedFor(path, readSettingsFile(path));
  const { file, passedOver } = findSettingsFile(path ?? io.directory, path ?? io.home);
  const [other] = passedOver;
  if (file === undefined && other !== undefined) throw refuse(other);
  return vouchedFor(path ?? "this or a parent directory", file);
}

function vouchedFor(place: string, file: SettingsFile | undefined): SettingsFile {
  if (file === undefined) throw new DraftstateError("NOT_FOUND", `there are no settings in ${place}`, { path: place });
  const why = exposureOfFile(file.path);
  if (why !== undefined) throw refuse({ path: file.path, why });
  return file;
}

function refuse({ path, why }: PassedOver): DraftstateError {
  return new DraftstateError(
    "USAGE",
    `${path} cannot be trusted: ${why}; make it yours alone first (chown, chmod go-w)`,
    { path },
  );
}
