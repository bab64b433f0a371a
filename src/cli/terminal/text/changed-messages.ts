/** How many messages a backup or checkpoint adds, removes, edits and moves, and the last thing said in it. Pure. */
import type { ChangeCounts } from "../../../model/compare.js";

type MessageCounts = Pick<ChangeCounts, "added" | "removed" | "edited" | "moved">;

/** Such as `+2 messages: And then?`; empty where none changed. */
export function changedMessages({ added, removed, edited, moved }: MessageCounts, said: string): string {
  const counts: readonly (readonly [string, number])[] = [
    ["+", added],
    ["-", removed],
    ["~", edited],
    ["↕", moved],
  ];
  const marks = counts.filter(([, count]) => count > 0);
  if (marks.length === 0) return "";
  const isOne = marks.length === 1 && marks[0]?.[1] === 1;
  const text = marks.map(([mark, count]) => `${mark}${count}`).join(" ");
  return `${text} ${isOne ? "message" : "messages"}${said === "" ? "" : `: ${said}`}`;
}
