// Many conversations of 20 KB, as draftstate itself writes them.
import { mkdirSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { importSource } from "../scripts/import-source.mjs";
import { stateOf } from "./work.mjs";

const { encodeSnapshot } = await importSource("src/snapshot/encode.ts");
const { metadataOf } = await importSource("src/model/conversation.ts");
const { freezeJson } = await importSource("src/model/json.ts");

export async function writeSnapshots(directory, count) {
  const state = join(directory, "state");
  mkdirSync(state, { recursive: true });
  const version = {
    state: freezeJson({
      ...stateOf(29),
      streamingProperties: { ...stateOf(0).streamingProperties, streamingEndTime: "2026-01-14T21:30:01.000Z" },
    }),
    info: { createdAt: "2026-01-14T21:30:00.000Z", title: "Tell me a story" },
    revision: 9,
  };
  for (let index = 0; index < count; index += 1) {
    const id = `tale-${String(index).padStart(6, "0")}`;
    const [path, savedAt] = [join(state, `${id}.json`), new Date(1768426200000 + index)];
    writeFileSync(path, encodeSnapshot(version.state, metadataOf(version, id, savedAt.toISOString())), { mode: 0o600 });
    // A file whose time does not fit what it says would be read whole.
    utimesSync(path, savedAt, savedAt);
  }
  return state;
}
