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
export type { Conversation } from "./persistence/conversation/conversation-handle.js";
export type { ManagerEvents, ManagerListener } from "./persistence/events.js";
export type { Backup } from "./persistence/backups/backups.js";
export type { CatalogueRow } from "./persistence/reading/catalogue.js";
export type { Comparison, ComparedPoint } from "./persistence/backups/compare-points.js";
export type { PruneResult } from "./persistence/backups/prune.js";
export type { RestoreOptions, RestoreResult } from "./persistence/backups/restore.js";
export type { ForkOptions, ForkResult } from "./persistence/conversation/fork.js";
export type { MigrateOptions, MigrateResult } from "./persistence/mending/migrate.js";
export type { RemoveResult } from "./persistence/trash/remove.js";
export type { UndoneOperation, UndoResult } from "./persistence/trash/undo.js";
export type { PreviewOptions, UndoPreview } from "./persistence/trash/undo-preview.js";
export type { RepairResult } from "./persistence/mending/repair.js";
export type { Health, HealthCheck, HealthStatus } from "./monitoring/health.js";
export type { HealthOptions } from "./persistence/measuring/health.js";
export type { Alert } from "./monitoring/alerts.js";
export type { AlertRule } from "./monitoring/alert-rules.js";
export type { LogEntry, Logger, LogLevel } from "./persistence/event-log.js";
export type { StoreMetrics } from "./persistence/measuring/store-metrics.js";
export type { SaveStatistics } from "./persistence/measuring/statistics.js";
export type { Verification, VerifiedProblem } from "./persistence/reading/verify.js";
export { SETTINGS, type Settings } from "./persistence/settings.js";
export type { RetentionPolicy } from "./plan/retention.js";
export type { AgentState, BackupNote, BackupReason, Message, Metadata, Role, Status, StreamingProperties, ToolCall, Usage } from "./model/conversation.js";
export type { Json, JsonObject } from "./model/json.js";
export { toJsonPatch, type JsonPatchOperation } from "./model/json-patch.js";
export { applyPatches, diffStates, type Patch } from "./model/patches.js";
export { StateContainer, type Recipe } from "./model/container.js";
export { DraftstateError, ERROR_CODES, isDraftstateError, type ErrorCode } from "./errors.js";
export type { Content, Storage } from "./storage/storage.js";
export { createLocalStorage, type LocalStorageOptions } from "./storage/index.js";
