/** Named in the error about a file of another format. */
export const KNOWN_FORMATS =
  "known are exports and files of draftstate, files of its draft, lists of messages, llm logs --json, exports of ChatGPT and claude.ai, sessions of Claude Code and Gemini CLI";
