/** A failure of a model or its server, and whether the same request would fail in the same way. */
import { DraftstateError } from "../errors.js";

export interface FailureContext {
  readonly cause?: unknown;
  /** The request itself is refused: asking again without a change gives the same error. */
  readonly isLasting?: boolean;
}

export class ModelFailure extends DraftstateError {
  readonly isLasting: boolean;

  constructor(message: string, { cause, isLasting = false }: FailureContext = {}) {
    super("MODEL", message, cause === undefined ? {} : { cause });
    this.isLasting = isLasting;
  }
}

export function isLasting(error: DraftstateError | undefined): boolean {
  return error instanceof ModelFailure && error.isLasting;
}
