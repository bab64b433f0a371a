/** The face of `draftstate/langgraph`: exports only. */
export { DraftstateSaver, type SaverOptions } from "./saver.js";
export { DraftstateSerializer, type ClassName } from "./serializer.js";
export type { KeepingGraph, KeepOptions, Partial } from "./partials.js";
export type { TokenLog, TokenLogOptions } from "./token-log.js";
