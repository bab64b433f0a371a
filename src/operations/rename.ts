/** A new title. The old one is recorded first, so that the rename can be undone. */
import { DraftstateError } from "../errors.js";
import { MAX_OWN_TITLE_LENGTH } from "../model/conversation.js";
import { assertText } from "../model/given.js";
import type { Session } from "../session/session.js";
import type { Sessions } from "../session/sessions.js";
import type { Store } from "../store/store.js";
import type { Operation } from "../store/trash-record.js";
import { redoOf, type Redoing } from "./redoing.js";
import { commit } from "./undoable.js";
import { markOfRevision } from "./undo/mark.js";

/** Gives the revision. Throws `USAGE` for an empty title, or a longer one than a snapshot keeps. */
export function rename(
  store: Store,
  sessions: Sessions,
  id: string,
  title: string,
  redoing?: Redoing,
): Promise<number> {
  assertText(title, "a title");
  const wanted = title.trim().replaceAll(/\s+/g, " ");
  if (wanted === "") throw new DraftstateError("USAGE", "a title is one line of text: give some words");
  const length = Array.from(wanted).length;
  if (length > MAX_OWN_TITLE_LENGTH)
    throw new DraftstateError(
      "USAGE",
      `a title of ${length} characters is too long: give at most ${MAX_OWN_TITLE_LENGTH}`,
    );
  return sessions.use(id, (session) => renameTo(store, session, wanted, redoing), "existing");
}

async function renameTo(store: Store, session: Session, title: string, redoing?: Redoing): Promise<number> {
  for (;;) {
    const { revision } = session;
    const before = session.info.title ?? null;
    await redoing?.check(session.id, markOfRevision(revision));
    if (before === title) {
      await redoing?.done(session.id, markOfRevision(revision), session.lock);
      return revision;
    }
    await session.flush();
    const operation = await prepare(store, session, { before, title }, redoing);
    // The handle may have given it another title meanwhile: that is the one which undo gives back. What is done again stands on no change.
    const isSame = redoing === undefined ? (session.info.title ?? null) === before : session.revision === revision;
    if (isSame) {
      const renamed = await become(store, session, { operation, before, title });
      await redoing?.done(session.id, markOfRevision(renamed), session.lock);
      return renamed;
    }
    await store.trash.pending.withdraw(operation, session.lock);
  }
}

interface Titles {
  readonly before: string | null;
  readonly title: string;
}

async function prepare(
  store: Store,
  { id, lock, name }: Session,
  { before, title }: Titles,
  redoing?: Redoing,
): Promise<Operation> {
  const stamp = await store.trash.newStamp(lock);
  const operation: Operation = {
    kind: "rename",
    conversationId: id,
    stamp,
    group: stamp,
    files: [],
    title: before,
    renamedTo: title,
    session: name,
    ...redoOf(redoing),
  };
  await store.trash.pending.prepare(operation, lock);
  return operation;
}

async function become(
  store: Store,
  session: Session,
  { operation, before, title }: Titles & { readonly operation: Operation },
): Promise<number> {
  let revision: number;
  try {
    session.updateInfo({ title });
    revision = session.revision;
    await session.flush();
  } catch (error) {
    await withdrawRename(store, session, operation, before);
    throw error;
  }
  await commit(store, operation, session.lock);
  return revision;
}

/** A rename that was refused is not made by the next save either. */
async function withdrawRename(
  store: Store,
  session: Session,
  operation: Operation,
  before: string | null,
): Promise<void> {
  if (session.info.title === operation.renamedTo && before !== operation.renamedTo)
    session.updateInfo({ title: before });
  await store.trash.pending.withdraw(operation, session.lock).catch(() => undefined);
}
