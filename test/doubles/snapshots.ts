/** A small snapshot as a conversation in the middle of its life has one, for tests that damage it. */
import { initialState, metadataOf, type Metadata, type State, type Version } from "../../src/model/conversation.js";
import { freezeJson, type JsonObject } from "../../src/model/json.js";
import { encodeSnapshot } from "../../src/snapshot/encode.js";

export const CREATED_AT = "2026-01-14T21:30:00.000Z";

export function sampleMetadata(): Metadata {
  return {
    savedAt: CREATED_AT,
    version: "1.0.0",
    conversationId: "chat",
    revision: 7,
    createdAt: CREATED_AT,
    title: "Tell me",
    status: "complete",
    messageCount: 2,
    tokenCount: 3,
    model: "offline",
    extra: { theirs: { deep: [1] } },
  };
}

export function versionAt(revision: number, state: State = initialState()): Version {
  return { state: freezeJson(state) as JsonObject, info: { createdAt: CREATED_AT, title: "Tell me" }, revision };
}

export function snapshotBytes(version: Version, id = "chat", savedAt = CREATED_AT): Buffer {
  return encodeSnapshot(version.state, metadataOf(version, id, savedAt));
}
