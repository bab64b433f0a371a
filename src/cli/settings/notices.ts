/** What settings files said in vain, a line for each file, with how to allow it. */
import type { ResolvedSettings } from "./settings.js";

export function settingsNotices({ ignored, passedOver, file, isTrusted }: ResolvedSettings): string[] {
  const notices = passedOver.map(
    ({ path, why }) =>
      `ignored the settings file ${path}: ${why}; make it yours alone (chown, chmod go-w), or name it with --config`,
  );
  if (file === undefined || ignored.length === 0) return notices;
  if (isTrusted) return [...notices, ...ignored.map(({ name, why }) => `ignored ${name} in ${file}: ${why}`)];
  const names = ignored.map(({ name }) => name).join(", ");
  return [
    ...notices,
    `ignored ${names} in ${file}: you have not trusted it; read it, then allow it with: draftstate trust ${file}`,
  ];
}
