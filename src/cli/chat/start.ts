/** Which conversation a chat resumes or starts: by id, the last, a copy, one picked from a list, a new one. */
import { DraftstateError } from "../../errors.js";
import { assertAgentState } from "../../model/agent-state.js";
import type { Conversation } from "../../session/conversation.js";
import { assertConversationId } from "../../store/names.js";
import { createDraftStatePersistenceManager } from "../../create-manager.js";
import type { DraftStatePersistenceManager } from "../../manager.js";
import { MemoryStorage } from "../../storage/memory.js";
import type { CommandContext } from "../context.js";
import { lastConversation, resolveId, splitPoint } from "../arguments/resolve-id.js";
import type { ChatConsole } from "./console.js";

export interface StartOptions {
  readonly id?: string;
  readonly continue?: boolean;
  /** `true`: picked from a list. */
  readonly resume?: string | true;
  readonly fork?: string;
  readonly save: boolean;
}

export interface StartPlace {
  readonly context: CommandContext;
  readonly console: ChatConsole | undefined;
  readonly manager: DraftStatePersistenceManager;
}

export function isResuming({ continue: last, resume }: StartOptions): boolean {
  return resume !== undefined || last === true;
}

export function assertOneStart(options: StartOptions): void {
  const { id, continue: last, resume, fork, save } = options;
  const given = [
    id === undefined ? "" : "--id",
    last === true ? "--continue" : "",
    resume === undefined ? "" : "--resume",
  ].filter((name) => name !== "");
  if (fork !== undefined && isResuming(options)) given.push("--fork");
  if (!save && (isResuming(options) || fork !== undefined)) {
    throw new DraftstateError(
      "USAGE",
      "--no-save cannot be used with --continue, --resume or --fork: it neither reads nor saves conversations",
    );
  }
  if (given.length > 1)
    throw new DraftstateError("USAGE", `${given.join(" and ")} cannot be used together: give one of them`);
  if (id !== undefined) assertConversationId(id);
}

/** An empty conversation in memory, for a session in which nothing was said yet. */
export function openStandIn(context: CommandContext): Promise<Conversation> {
  const storage = new MemoryStorage({ now: () => context.now(), command: context.command });
  return createDraftStatePersistenceManager({ storage, autoSave: false }).openNew();
}

/** Throws `INVALID_ID`; `resume` is what would open the conversation that has the id. */
export async function assertFree(manager: DraftStatePersistenceManager, id: string, resume: string): Promise<void> {
  assertConversationId(id);
  if (!(await manager.ids()).includes(id)) return;
  throw new DraftstateError(
    "INVALID_ID",
    `conversation ${id} already exists: give another id, or resume it with ${resume} ${id}`,
  );
}

/** Checks the id before the first message, so that the user does not type one for an id that is taken. */
export async function openWhenSaid(
  manager: DraftStatePersistenceManager,
  id: string | undefined,
): Promise<() => Promise<Conversation>> {
  if (id === undefined) return () => manager.openNew();
  await assertFree(manager, id, "--resume");
  return () => manager.open(id, { expect: "new" });
}

/** Undefined if the person picked none. */
export async function openConversation(place: StartPlace, options: StartOptions): Promise<Conversation | undefined> {
  const { manager } = place;
  if (options.fork !== undefined) return openFork(manager, options.fork, options.id);
  if (options.continue === true) return openExisting(manager, await lastConversation(manager));
  if (options.resume === undefined)
    return options.id === undefined ? manager.openNew() : manager.open(options.id, { expect: "new" });
  const id = options.resume === true ? await choose(place) : await resolveId(manager, options.resume);
  return id === undefined ? undefined : openExisting(manager, id);
}

/** Refuses a state that is not a chat's before anything of it changes. */
export async function openExisting(manager: DraftStatePersistenceManager, id: string): Promise<Conversation> {
  const conversation = await manager.open(id, { expect: "existing" });
  try {
    assertAgentState(id, conversation.version.state);
    return conversation;
  } catch (error) {
    await conversation.close();
    throw error;
  }
}

async function choose({ context, console, manager }: StartPlace): Promise<string | undefined> {
  if (console?.keyboard === undefined) {
    throw new DraftstateError(
      "USAGE",
      '--resume needs an id without a terminal to pick from: "draftstate ls" lists them, and -c resumes the last one',
    );
  }
  const rows = await manager.list();
  if (rows.length === 0) return lastConversation(manager);
  const { pickConversation } = await import("./picker.js");
  return pickConversation(context, console.screen, console.keyboard, rows);
}

/** `tale@~2`: as it was. `@last` alone is a conversation. */
async function openFork(
  manager: DraftStatePersistenceManager,
  spec: string,
  newId: string | undefined,
): Promise<Conversation> {
  const { wanted, point: backup } = splitPoint(spec);
  const id = await resolveId(manager, wanted);
  const { conversationId } = await manager.fork(id, {
    ...(newId === undefined ? {} : { newId }),
    ...(backup === undefined ? {} : { backup }),
  });
  return openExisting(manager, conversationId);
}
