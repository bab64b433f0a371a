// Many conversations of 20 KB, as draftstate itself writes them.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { encodeSnapshot } from "../dist/snapshot/encode.js";
import { metadataOf } from "../dist/model/conversation.js";
import { freezeJson } from "../dist/model/json.js";
import { stateOf } from "./work.mjs";

export async function writeSnapshots(directory, count) {
  const state = join(directory, "state");
  mkdirSync(state, { recursive: true });
  const version = { state: freezeJson({ ...stateOf(29), streamingProperties: { ...stateOf(0).streamingProperties, streamingEndTime: "2026-01-14T21:30:01.000Z" } }), info: { createdAt: "2026-01-14T21:30:00.000Z", title: "Tell me a story" }, revision: 9 };
  for (let index = 0; index < count; index += 1) {
    const id = `tale-${String(index).padStart(6, "0")}`;
    writeFileSync(join(state, `${id}.json`), encodeSnapshot(version.state, metadataOf(version, id, new Date(1768426200000 + index).toISOString())), { mode: 0o600 });
  }
  return state;
}
