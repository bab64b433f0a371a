/** The face of `draftstate/langgraph`: exports only. */
export { DraftstateSaver, type SaverOptions } from "./saver.js";
export { DraftstateSerializer, type ClassName } from "./serializer.js";
