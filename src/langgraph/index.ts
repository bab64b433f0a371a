/** The face of `draftstate/langgraph`: exports only. */
export { DraftstateSaver, type PruneThreadOptions, type SaverOptions } from "./saver.js";
export { copyThreads, type CopiedThread, type CopyThreadsOptions } from "./copy-threads.js";
export { DraftstateThreads, type SearchThreadsOptions, type ServerThread, type SetThreadOptions } from "./threads.js";
export { DraftstateStore, type PutOptions, type StoreOptions, type StoreTtl } from "./store.js";
export type { Embedder, StoreIndex } from "./embedding.js";
export { DraftstateSerializer, type ClassName } from "./serializer.js";
export type { KeepingGraph, KeepOptions, Partial } from "./partials.js";
export type { TokenLog, TokenLogOptions } from "./token-log.js";
export type { PruneThreadResult } from "../threads/prune.js";
export type { RepairNamespaceResult } from "../namespaces/repair.js";
export type { RepairThreadResult } from "../threads/repair.js";
export type { UndoneThreadChange } from "../threads/undo.js";
