/**
 * Which sessions wrote what a file holds: each by name, with the last of its revisions that is in it, in the order in which
 * they wrote. A session's own changes are one line, so a file that names revision 14 of a session holds all that came before.
 * A name alone would not do: a session that saved revision 8 and spilled revision 12 has one name in two histories.
 */
export type SessionMark = {
  readonly session: string;
  readonly revision: number;
};

/** The oldest marks go first: a spill that only a dropped mark told of is kept as a fork, never taken for held. */
export const MAX_MARKS = 16;

const NAME = /^[A-Za-z0-9]{1,64}$/;

export function isSessionName(value: unknown): value is string {
  return typeof value === "string" && NAME.test(value);
}

/** The marks after this session has written this revision. */
export function withMark(marks: readonly SessionMark[], mark: SessionMark): readonly SessionMark[] {
  if (!isSessionName(mark.session))
    throw new RangeError(`a session's name is 1 to 64 letters and digits, not ${JSON.stringify(mark.session)}`);
  return [...marks.filter(({ session }) => session !== mark.session), mark].slice(-MAX_MARKS);
}

/** Whether a file with these marks holds what this session had written by this revision. */
export function holdsMark(marks: readonly SessionMark[], { session, revision }: SessionMark): boolean {
  return marks.some((mark) => mark.session === session && mark.revision >= revision);
}

/** The mark of the program that wrote the file's last revision; undefined where that program leaves no mark. */
export function lastMark(marks: readonly SessionMark[], revision: number): SessionMark | undefined {
  const last = marks.at(-1);
  return last?.revision === revision ? last : undefined;
}
