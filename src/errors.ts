/**
 * The one error class of the project and its stable codes.
 * Programs test the code, people read the message: what was found and what to do next.
 */

export const ERROR_CODES = [
  "NOT_FOUND",
  "CORRUPT",
  "LOCKED",
  "INVALID_ID",
  "INVALID_CONFIG",
  "INVALID_STATE",
  "NEWER_VERSION",
  "STORAGE",
  "MODEL",
  "USAGE",
] as const;

export type ErrorCode = (typeof ERROR_CODES)[number];

export interface ErrorContext {
  /** The file or setting the error is about. */
  readonly path?: string;
  readonly cause?: unknown;
}

export class DraftstateError extends Error {
  readonly code: ErrorCode;
  readonly path: string | undefined;

  constructor(code: ErrorCode, message: string, context: ErrorContext = {}) {
    super(message, context.cause === undefined ? undefined : { cause: context.cause });
    this.name = "DraftstateError";
    this.code = code;
    this.path = context.path;
  }
}

export function isDraftstateError(error: unknown, code?: ErrorCode): error is DraftstateError {
  return error instanceof DraftstateError && (code === undefined || error.code === code);
}

/** The `code` of a Node.js system error (`ENOSPC`, `EACCES`, …), undefined for anything else. */
export function systemErrorCode(error: unknown): string | undefined {
  if (typeof error !== "object" || error === null || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
