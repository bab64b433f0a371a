/** A line of a session of Claude Code, as its reader found it. */
import type { JsonObject } from "../../model/json.js";

export interface SessionLine {
  readonly number: number;
  readonly fields: JsonObject;
  readonly uuid: string;
  readonly createdAt: string;
}
