/** The models that a server of OpenAI's protocol offers: `GET /models`, under the same policy as every request to it. Loads no LangChain. */
import { DraftstateError } from "../../errors.js";
import { limitEvents } from "../../http/event-limit.js";
import { policyFetch, type PolicyOptions } from "../../http/policy-fetch.js";
import { isJsonObject, ownValue, type Json } from "../../model/json.js";
import { modelError } from "../model-error.js";
import { wordsOf } from "./server-words.js";

export interface Server {
  readonly url: string;
  readonly apiKey: string | undefined;
  readonly connection?: PolicyOptions | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What `modelError` reads. */
class Refused extends Error {
  constructor(
    message: string,
    readonly status: number,
  ) {
    super(message);
  }
}

/** In the server's order. Throws `MODEL` in the server's own words. */
export async function offeredModels(server: Server): Promise<readonly string[]> {
  try {
    return idsIn(await ask(server));
  } catch (error) {
    throw modelError(error, server.apiKey === undefined ? [] : [server.apiKey]);
  }
}

async function ask({ url, apiKey, connection, signal }: Server): Promise<string> {
  const answer = await limitEvents(policyFetch(connection))(`${url.replace(/\/+$/, "")}/models`, {
    headers: apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` },
    ...(signal === undefined ? {} : { signal }),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Refused(wordsOf(text) ?? "it says no more", answer.status);
  return text;
}

/** `{data: [{id}]}`; `models` and `name` are what some servers have instead. */
function idsIn(text: string): string[] {
  const answer = JSON.parse(text) as Json;
  const list = isJsonObject(answer) ? (ownValue(answer, "data") ?? ownValue(answer, "models")) : answer;
  if (!Array.isArray(list))
    throw new DraftstateError("MODEL", "the server's list of models is not OpenAI's: check --base-url");
  return (list as readonly Json[]).flatMap((each) => {
    const id = isJsonObject(each) ? (ownValue(each, "id") ?? ownValue(each, "name")) : each;
    return typeof id === "string" && id !== "" ? [id] : [];
  });
}
