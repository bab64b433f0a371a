/** When the answer that a watch waits for has ended: seen as it streamed, or begun and ended between two looks. */
import { isAnswer, type FollowEvent } from "../../../operations/watch/follow.js";

/** The status with which the answer ended; undefined while it streams, and before it begins. */
export function endedWith(events: readonly FollowEvent[], streamedBefore: boolean): string | undefined {
  let streams = streamedBefore;
  for (const event of events) {
    if (isAnswer(event)) streams = true;
    if (event.kind !== "status") continue;
    if (streams && event.status !== "streaming") return event.status;
    streams = event.status === "streaming";
  }
  return undefined;
}
