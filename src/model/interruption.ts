/** A version as seen after the writer of its answer died: the partial answer joins the messages, the same for every reader. */
import { StateContainer } from "./container.js";
import { isStreaming, type Version } from "./conversation.js";
import { interruptAnswer, type AgentDraft } from "./transitions.js";

export function withInterruption(version: Version, at: string): Version {
  const container = new StateContainer(version.state);
  const model = version.info.model;
  container.update((draft) => {
    interruptAnswer(draft as AgentDraft, {
      id: `answer-r${version.revision}`,
      at,
      ...(model === undefined ? {} : { model }),
    });
  });
  return { ...version, state: container.state };
}

/** The same where an answer was streaming; otherwise the version itself. `at` is ISO 8601. */
export function ended(version: Version, at: string): Version {
  return isStreaming(version.state) ? withInterruption(version, at) : version;
}
