/** The colour of a status, the same everywhere. */
import type { Paint, Style } from "./style.js";

export function paintStatus(style: Style, status: string): Paint {
  switch (status) {
    case "complete":
      return style.green;
    case "streaming":
      return style.cyan;
    case "interrupted":
      return style.yellow;
    default:
      return style.red;
  }
}
