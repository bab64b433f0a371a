/** Who decides on a tool call before it is made. A program that gives an agent tools has decided: without `approve` they run. */
import type { JsonObject } from "../model/json.js";
import { RESULT_LOST, RESULT_UNKNOWN } from "../model/tool-calls.js";

export interface CallRequest {
  readonly conversationId: string;
  readonly id: string;
  readonly name: string;
  readonly args: JsonObject;
  /**
   * ISO 8601. Of a call that was begun by a process that ended before its result was kept: it may have taken effect. To run it is
   * to repeat it.
   */
  readonly startedAt?: string;
  /**
   * It stands in a state that was restored, forked, copied, imported or saved from elsewhere: it may have been begun in another
   * history. `startedAt` is when the model asked for it.
   */
  readonly isElsewhere?: true;
}

/** `stop` leaves the call as it is: the turn ends as interrupted, and asks again when it is resumed. `refuse` is told to the model. */
export type CallDecision = "run" | "stop" | { readonly refuse: string };

/** Asked call by call; where it throws the turn ends as interrupted, with this error. */
export type Approve = (request: CallRequest) => CallDecision | Promise<CallDecision>;

/** Nothing is ever repeated without being asked for. */
export const approveFresh: Approve = ({ startedAt, isElsewhere }) =>
  startedAt === undefined ? "run" : { refuse: isElsewhere ? RESULT_UNKNOWN : RESULT_LOST };
