/**
 * One structured entry for each event, for the option `logger` and for `--verbose`. Names, numbers and codes; never a
 * text of a conversation: of damage the kind is told and not what was found, since that may quote it.
 */
import { isDraftstateError, messageOf, systemErrorCode } from "../errors.js";
import type { EventSource, ManagerEvents } from "../store/events.js";

export type LogLevel = "debug" | "info" | "warn" | "error";
export type LogEntry = Readonly<Record<string, string | number | boolean | null>> & { readonly event: string };

/** Takes one structured entry a call. One that throws, or rejects, harms nothing and is told once as a `monitoringError`. */
export type Logger = Readonly<Record<LogLevel, (entry: LogEntry) => unknown>>;

type Fields = Readonly<Record<string, string | number | boolean | null>>;
type Writes = { readonly [Name in keyof ManagerEvents]: (event: ManagerEvents[Name]) => readonly [LogLevel, Fields] };

function ms(value: number): number {
  return Math.round(value * 1000) / 1000;
}

function errorFields(error: unknown): Fields {
  if (error === undefined) return {};
  const code = isDraftstateError(error) ? error.code : (systemErrorCode(error) ?? "UNEXPECTED");
  return { code, error: messageOf(error) };
}

const WRITES: Writes = {
  stateSaved: ({ durationMs, ...rest }) => ["debug", { ...rest, durationMs: ms(durationMs) }],
  threadSaved: ({ durationMs, ...rest }) => ["debug", { ...rest, durationMs: ms(durationMs) }],
  backupCreated: (event) => ["info", event],
  backupRemoved: (event) => ["info", event],
  recovered: ({ conversationId, revision, source, problems, quarantined }) => [
    "warn",
    {
      conversationId,
      revision,
      source,
      problems: problems.map(({ kind }) => kind).join(","),
      quarantined: quarantined.length,
    },
  ],
  retry: ({ operation, attempt, delayMs, error }) => ["warn", { operation, attempt, delayMs, ...errorFields(error) }],
  fallback: ({ conversationId, active, directory, error }) => [
    active ? "warn" : "info",
    { conversationId, active, directory, ...errorFields(error) },
  ],
  alert: (event) => [event.state === "firing" ? "warn" : "info", { ...event }],
  answerEnded: ({ firstTokenMs, durationMs, usage, ...rest }) => [
    "info",
    { ...rest, ...usage, firstTokenMs: firstTokenMs === null ? null : ms(firstTokenMs), durationMs: ms(durationMs) },
  ],
  saveError: ({ conversationId, error }) => ["error", { conversationId, ...errorFields(error) }],
  monitoringError: (event) => ["warn", event],
  warning: ({ conversationId, message, error }) => [
    "warn",
    { conversationId, message, ...(isDraftstateError(error) ? { code: error.code } : {}) },
  ],
};

export function logEvents(events: EventSource, logger: Logger): void {
  for (const name of Object.keys(WRITES) as (keyof ManagerEvents)[]) {
    const write = WRITES[name] as (event: ManagerEvents[keyof ManagerEvents]) => readonly [LogLevel, Fields];
    events.on(name, (event) => {
      const [level, fields] = write(event);
      return logger[level]({ event: name, ...fields });
    });
  }
}
