/** A conversation on the terminal, and what is known of it from one prompt to the next. */
import type { State } from "../../model/conversation.js";
import type { Backup } from "../../store/backups.js";
import type { DraftStatePersistenceManager } from "../../manager.js";
import { INTERRUPTED } from "../exit-status.js";
import { isEnding } from "../terminal/input/interrupts.js";
import { answerTo } from "./answer.js";
import type { Wanted } from "./model.js";
import type { PromptHistory } from "./prompt-history.js";
import { note } from "./say.js";
import type { TurnContext } from "./session-types.js";

export interface Session {
  readonly turn: TurnContext;
  readonly manager: DraftStatePersistenceManager;
  readonly history: PromptHistory;
  wanted: Wanted;
  /** Before the last change that was made here, for /diff. */
  before: State | undefined;
  /** As last listed, for completion. */
  points: readonly Backup[];
  /** What the next prompt begins with. */
  initial: string;
  /** The exit status of the signal that came while an answer did. */
  ending: number | undefined;
}

/** An answer in the session: undefined goes on, or answers again. */
export async function answerHere(session: Session, prompt: string | undefined): Promise<void> {
  const { turn } = session;
  await moveIn(turn);
  session.before = turn.conversation.version.state;
  const status = await answerTo(turn, prompt);
  turn.title = undefined;
  if (isEnding(status)) session.ending = status;
  if (status !== INTERRUPTED) return;
  turn.console?.keyboard?.disarm();
  note(turn.context, "stopped; what there is of the answer is kept as interrupted (/continue, /retry or /undo)");
}

export async function moveIn(turn: TurnContext): Promise<void> {
  if (turn.openFirst === undefined) return;
  const standIn = turn.conversation;
  turn.conversation = await turn.openFirst();
  turn.openFirst = undefined;
  await standIn.close();
}
