/** `draftstate`: manager, container, errors, settings and storages. Loads no LangChain: the agent is `draftstate/agent`. */
export { createDraftStatePersistenceManager, type CreateManagerOptions } from "./create-manager.js";
export {
  DraftStatePersistenceManager,
  type LoadedConversation,
  type ManagerEnvironment,
  type ManagerOptions,
} from "./manager.js";
export type { CheckedState, InitialState, OpenOptions } from "./operations/open.js";
export type { WatchOptions } from "./operations/watch/stream.js";
export type { StateEvent, WatchEvent } from "./operations/watch/follow.js";
export type { StateSchema } from "./model/schema.js";
export type { Conversation } from "./session/conversation.js";
export type { AnswerPart, RecordedEvent, RecordOptions, ToolResult } from "./session/record-answer.js";
export type { ManagerEvents, ManagerListener } from "./store/events.js";
export type { Backup } from "./store/backups.js";
export type { BackupContent } from "./operations/backups.js";
export type { CatalogueRow } from "./operations/list/list.js";
export type { Comparison, ComparedPoint } from "./operations/diff.js";
export type { CopiedConversation, CopyOptions, CopyResult, FailedCopy } from "./operations/copy/copy.js";
export type { PruneResult } from "./operations/prune.js";
export type { RestoreOptions, RestoreResult } from "./operations/restore.js";
export type { ForkOptions, ForkResult } from "./operations/fork.js";
export type { MigrateOptions, MigrateResult } from "./operations/migrate.js";
export type { RemoveResult } from "./operations/remove.js";
export type { LoggedUndo, RedoResult } from "./operations/undo/redo.js";
export type { UndoneOperation, UndoResult } from "./operations/undo/undone.js";
export type { PreviewOptions, UndoPreview } from "./operations/undo/undone.js";
export type { RepairResult } from "./operations/repair.js";
export type { Health, HealthCheck, HealthStatus } from "./monitoring/health.js";
export type { HealthOptions } from "./operations/health.js";
export type { Alert } from "./monitoring/alerts.js";
export type { AlertRule } from "./monitoring/alert-rules.js";
export type { LogEntry, Logger, LogLevel } from "./metrics/event-log.js";
export type { StoreMetrics } from "./operations/stats/store-metrics.js";
export type { SaveStatistics } from "./metrics/statistics.js";
export type { Verification, VerifiedProblem } from "./operations/verify/verification.js";
export { SETTINGS, type Settings } from "./store/settings.js";
export type { RetentionPolicy } from "./plan/retention.js";
export type {
  AgentState,
  BackupNote,
  BackupReason,
  Message,
  Metadata,
  Role,
  Status,
  StreamingProperties,
  ToolCall,
  Usage,
} from "./model/conversation.js";
export type { Json, JsonObject } from "./model/json.js";
export { toJsonPatch, type JsonPatchOperation } from "./model/json-patch.js";
export { applyGivenPatches as applyPatches, diffStates, type Patch } from "./model/patches.js";
export { beginTurn, endAnswer, type AnswerEnd, type TurnBeginning } from "./model/transitions.js";
export { StateContainer, type Recipe } from "./model/container.js";
export { DraftstateError, ERROR_CODES, isDraftstateError, type ErrorCode } from "./errors.js";
export type { Area, Content, Key, Lock, LockHolder, Storage } from "./storage/storage.js";
export { createLocalStorage, type LocalStorageOptions } from "./storage/index.js";
