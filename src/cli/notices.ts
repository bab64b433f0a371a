/** What a manager reports while a command runs: events that a person must know as messages, with --verbose every one as a line. */
import type { EventSource } from "../store/events.js";
import type { LogEntry, Logger, LogLevel } from "../metrics/event-log.js";
import type { Output } from "./output.js";
import { logLine } from "./terminal/text/log-line.js";

export function printEvents(manager: EventSource, output: Output): void {
  manager.on("recovered", ({ conversationId, source, problems, quarantined }) => {
    const what =
      problems.length === 0
        ? "its last answer was cut off and is kept as interrupted"
        : problems.map((problem) => problem.detail).join("; ");
    const kept = quarantined.length === 0 ? "" : ` (kept: ${quarantined.join(", ")})`;
    output.warning(`recovered ${conversationId} from ${source}: ${what}${kept}`);
  });
  manager.on("warning", ({ conversationId, message }) => {
    output.warning(`${conversationId}: ${message}`);
  });
  manager.on("fallback", ({ conversationId, active, directory }) => {
    if (active)
      output.warning(
        `cannot write to the state directory: ${conversationId} is saved in ${directory} until that is possible again`,
      );
    else output.message(`${conversationId} is saved in the state directory again`);
  });
  manager.on("alert", ({ state, message }) => {
    if (state === "firing") output.warning(`alert: ${message}`);
    else output.message(`alert resolved: ${message}`);
  });
  manager.on("monitoringError", ({ source, message }) => {
    if (source === "webhook") output.warning(message);
  });
}

/** A line for each event. */
export function verboseLogger(output: Output): Logger {
  const at =
    (level: LogLevel) =>
    (entry: LogEntry): void => {
      output.message(logLine(level, entry));
    };
  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}
