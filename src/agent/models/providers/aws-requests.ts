/** The policy's `fetch` as what sends the requests of AWS's clients. Their streams are binary: no event is held together here. */
import type { Fetch } from "../../../http/policy.js";

/** As much of AWS's request as is sent. */
interface AwsRequest {
  readonly protocol: string;
  readonly hostname: string;
  readonly port?: number;
  readonly path: string;
  readonly query?: Readonly<Record<string, string | readonly string[] | null>>;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array<ArrayBuffer>;
}

interface Handling {
  readonly abortSignal?: AbortSignal;
}

function urlOf({ protocol, hostname, port, path, query = {} }: AwsRequest): URL {
  const url = new URL(`${protocol}//${hostname}${port === undefined ? "" : `:${port}`}${path}`);
  for (const [name, value] of Object.entries(query))
    for (const each of typeof value === "string" ? [value] : (value ?? [""])) url.searchParams.append(name, each);
  return url;
}

/** Signed and set by fetch itself. */
function sendable(headers: AwsRequest["headers"]): Record<string, string> {
  const own = ["host", "content-length"];
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !own.includes(name.toLowerCase())));
}

export function awsRequestsThrough(fetch: Fetch): object {
  return {
    metadata: { handlerProtocol: "http/1.1" },
    async handle(request: AwsRequest, { abortSignal: signal }: Handling = {}) {
      const { method, body } = request;
      const answer = await fetch(urlOf(request), {
        method,
        headers: sendable(request.headers),
        ...(body === undefined ? {} : { body }),
        ...(signal === undefined ? {} : { signal }),
      });
      const { status: statusCode, statusText: reason, headers } = answer;
      return { response: { statusCode, reason, headers: Object.fromEntries(headers), body: answer.body } };
    },
    destroy: () => undefined,
    updateHttpClientConfig: () => undefined,
    httpHandlerConfigs: () => ({}),
  };
}
