/** Every file that holds something of a conversation, also in the trash and in quarantine: all but what is counted and typed. */
import type { Workspace } from "./cli.js";

export async function conversationFiles(workspace: Workspace): Promise<Map<string, string>> {
  return new Map(
    [...(await workspace.files())].filter(
      ([path]) => !/\.draftstate\/(?:metrics|history|locks)\/|\/\.(?:gitignore|draftstate-owner)$/.test(path),
    ),
  );
}
