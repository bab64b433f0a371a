/**
 * LangSmith: LangChain would send every run there as soon as its variables say so, and they are often set for other
 * programs. Here only draftstate's own setting does, it is announced, and `--no-save` sends nothing but the request.
 */
import { redactUrl } from "../../model/urls.js";
import type { CommandContext } from "../context.js";
import { note } from "./say.js";

const SWITCHES = ["LANGSMITH_TRACING", "LANGSMITH_TRACING_V2", "LANGCHAIN_TRACING", "LANGCHAIN_TRACING_V2"];

/** Before LangChain is loaded. */
export function settleTracing(context: CommandContext, { save }: { readonly save: boolean }): void {
  const isOn = context.settings.tracing && save;
  context.io.setVariables({
    ...Object.fromEntries(SWITCHES.map((name) => [name, undefined])),
    ...(isOn ? { LANGSMITH_TRACING: "true" } : {}),
  });
  if (isOn) note(context, `tracing: questions and answers are also sent to ${endpointOf(context)}`);
}

function endpointOf({ env }: CommandContext): string {
  const endpoint = [env["LANGSMITH_ENDPOINT"], env["LANGCHAIN_ENDPOINT"]].find((url) => (url ?? "") !== "");
  return endpoint === undefined ? "LangSmith" : `LangSmith at ${redactUrl(endpoint)}`;
}
