/** The formats that can be imported, and the reasons for leaving turns aside, by the names that programs see. */
export const SOURCE_FORMATS = [
  "draftstate",
  "draft",
  "llm",
  "chatgpt",
  "claude-code",
  "claude-ai",
  "gemini-cli",
] as const;
export type SourceFormat = (typeof SOURCE_FORMATS)[number];

/** Why turns of the source are not among the messages. They stay in the state. */
export const ASIDE_REASONS = [
  "abandoned branch",
  "side chain",
  "hidden context",
  "reasoning",
  "repeated",
  "notice",
] as const;
export type AsideReason = (typeof ASIDE_REASONS)[number];
