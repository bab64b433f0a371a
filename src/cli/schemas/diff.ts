/** `diff --json`. */
import { jsonPatch } from "./parts.js";

export const diff = jsonPatch.describe("JSON Patch (RFC 6902) that turns `from` into `to`, `_metadata` left out.");
