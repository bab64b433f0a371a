/** The library's face: exports only. */
export { DraftHybridStreamingAgent, type AgentOptions, type ConversationState, type StreamOptions } from "./agent/agent.js";
export type { TurnEvent } from "./agent/turn.js";
export { OfflineStoryModel, type OfflineModelOptions } from "./agent/models/offline.js";
export { createDraftStatePersistenceManager, type CreateManagerOptions } from "./persistence/create-manager.js";
export {
  DraftStatePersistenceManager,
  type LoadedConversation,
  type ManagerEnvironment,
  type ManagerOptions,
  type OpenOptions,
} from "./persistence/manager.js";
export type { Conversation } from "./persistence/conversation-handle.js";
export type { ManagerEvents, ManagerListener } from "./persistence/events.js";
export type { Backup } from "./persistence/backups.js";
export type { CatalogueRow } from "./persistence/catalogue.js";
export type { Comparison, ComparedPoint } from "./persistence/compare-points.js";
export type { PruneResult } from "./persistence/prune.js";
export type { RestoreOptions, RestoreResult } from "./persistence/restore.js";
export type { ForkOptions, ForkResult } from "./persistence/fork.js";
export type { MigrateOptions, MigrateResult } from "./persistence/migrate.js";
export type { RemoveResult } from "./persistence/remove.js";
export type { UndoneOperation, UndoResult } from "./persistence/undo.js";
export type { RepairResult } from "./persistence/repair.js";
export type { Health, HealthCheck, HealthStatus } from "./monitoring/health.js";
export type { HealthOptions } from "./persistence/health.js";
export type { Alert } from "./monitoring/alerts.js";
export type { AlertRule } from "./monitoring/alert-rules.js";
export type { LogEntry, Logger, LogLevel } from "./persistence/event-log.js";
export type { StoreMetrics } from "./persistence/store-metrics.js";
export type { SaveStatistics } from "./persistence/statistics.js";
export type { Verification, VerifiedProblem } from "./persistence/verify.js";
export { SETTINGS, type Settings } from "./persistence/settings.js";
export type { RetentionPolicy } from "./plan/retention.js";
export type { AgentState, BackupNote, BackupReason, Message, Metadata, Role, Status, StreamingProperties, ToolCall, Usage } from "./model/conversation.js";
export type { Json, JsonObject } from "./model/json.js";
export { toJsonPatch, type JsonPatchOperation } from "./model/json-patch.js";
export { applyPatches, diffStates, type Patch } from "./model/patches.js";
export { StateContainer, type Recipe } from "./model/container.js";
export { DraftstateError, ERROR_CODES, isDraftstateError, type ErrorCode } from "./errors.js";
export type { Storage } from "./storage/storage.js";
export { createLocalStorage, type LocalStorageOptions } from "./storage/index.js";
