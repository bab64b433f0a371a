/**
 * The proof that the tool calls of a message were not begun: a mark beside the state, set before they are asked for and taken away
 * before the first begins. It names store, conversation and message, and is no part of what `restore`, `fork`, `import` or a save
 * puts in place: a state that comes from another history has none, and its calls are asked about. Pure.
 */
import type { Info } from "../model/conversation.js";
import { contentHash } from "../storage/content-hash.js";

export interface Asking {
  /** Of the store. */
  readonly identity: string;
  readonly conversationId: string;
  readonly createdAt: string;
  readonly messageId: string;
}

export function unbegunMark({ identity, conversationId, createdAt, messageId }: Asking): string {
  return contentHash(identity, conversationId, createdAt, messageId);
}

/** Of a conversation that begins with what another had. */
export function withoutMark<I extends Partial<Info>>(info: I): Omit<I, "unbegunCalls"> {
  const { unbegunCalls: _theirs, ...rest } = info;
  return rest;
}
