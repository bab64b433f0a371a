/** `draftstate/agent`: the streaming agent and the offline model. LangChain and LangGraph are needed here and nowhere else. */
export {
  DraftHybridStreamingAgent,
  type AgentOptions,
  type ConversationState,
  type RunTurnOptions,
  type StreamOptions,
} from "./agent.js";
export type { TurnEvent } from "./turn.js";
export { OfflineStoryModel, type OfflineModelOptions } from "./models/offline.js";
export type { Approve, CallDecision, CallRequest } from "./approval.js";
