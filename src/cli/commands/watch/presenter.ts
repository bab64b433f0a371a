/** What shows the events of a watch. */
import type { Followed, FollowEvent } from "../../../operations/watch/follow.js";

export interface WatchPresenter {
  show(events: readonly FollowEvent[], current: Followed | undefined, id: string): void;
  end(): void;
}
