/**
 * What the manager's events tell, as OpenTelemetry spans and metrics for whatever SDK the application has set up: a span
 * for each model's answer and the client metrics of the GenAI conventions, and our own for saves. The package
 * `@opentelemetry/api` is optional: where it is not installed, or no SDK is set up, nothing of this happens.
 */
import { messageOf, systemErrorCode } from "../errors.js";
import type { EventSource, ManagerEvents } from "../store/events.js";

type Attributes = Readonly<Record<string, string | number | boolean>>;

interface Histogram {
  record(value: number, attributes?: Attributes): void;
}

interface Counter {
  add(value: number, attributes?: Attributes): void;
}

interface InstrumentOptions {
  description: string;
  unit?: string;
  advice?: { explicitBucketBoundaries: number[] };
}

interface Meter {
  createHistogram(name: string, options: InstrumentOptions): Histogram;
  createCounter(name: string, options: InstrumentOptions): Counter;
}

interface Span {
  setStatus(status: { code: number }): unknown;
  end(endTime: number): void;
}

interface Tracer {
  startSpan(name: string, options: { kind: number; startTime: number; attributes: Attributes }): Span;
}

/** The part of the package that is used here, in types of our own: ours must compile where it is not installed. */
export interface TelemetryApi {
  readonly trace: { getTracer(name: string): Tracer };
  readonly metrics: { getMeter(name: string): Meter };
  readonly SpanKind: { readonly CLIENT: number };
  readonly SpanStatusCode: { readonly ERROR: number };
}

type Answer = ManagerEvents["answerEnded"];

const SCOPE = "draftstate";
/** In a variable, so that a bundler leaves the decision to the moment. */
const PACKAGE = "@opentelemetry/api";

/** Undefined where the package is not installed. Rejects where it is and cannot be loaded. */
export async function loadTelemetry(
  load: (name: string) => Promise<unknown> = (name) => import(name),
): Promise<TelemetryApi | undefined> {
  try {
    return (await load(PACKAGE)) as TelemetryApi;
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error;
  }
}

/** Also as bundlers and other loaders say it. */
function isAbsent(error: unknown): boolean {
  const code = systemErrorCode(error);
  return (code === "ERR_MODULE_NOT_FOUND" || code === "MODULE_NOT_FOUND") && messageOf(error).includes(PACKAGE);
}

/** `openai:gpt-4o` → provider and model; what has no provider is its own. */
function modelAttributes(model: string | null): Attributes {
  const at = model?.indexOf(":") ?? -1;
  return {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": model === null ? "unknown" : at > 0 ? model.slice(0, at) : model,
    ...(model === null ? {} : { "gen_ai.request.model": model.slice(at + 1) }),
  };
}

export class TelemetryBridge {
  readonly #tracer: Tracer;
  readonly #instruments: ReturnType<typeof instrumentsOf>;

  constructor(
    private readonly api: TelemetryApi,
    private readonly now: () => Date,
  ) {
    this.#tracer = api.trace.getTracer(SCOPE);
    this.#instruments = instrumentsOf(api.metrics.getMeter(SCOPE));
  }

  listen(events: EventSource): void {
    const { saves, bytes, saveErrors, recoveries } = this.#instruments;
    events.on("answerEnded", (answer) => {
      this.#answerEnded(answer);
    });
    events.on("stateSaved", ({ kind, durationMs, bytes: written }) => {
      saves.record(durationMs / 1000, { "draftstate.save.kind": kind });
      bytes.add(written, { "draftstate.save.kind": kind });
    });
    events.on("backupCreated", ({ bytes: written }) => {
      bytes.add(written, { "draftstate.save.kind": "backup" });
    });
    events.on("saveError", ({ error }) => {
      saveErrors.add(1, { "error.type": error.code });
    });
    events.on("recovered", () => {
      recoveries.add(1);
    });
  }

  /** The span is told when it is over, with the times it had; its parent is what the caller was doing. */
  #answerEnded(answer: Answer): void {
    const { status, usage, durationMs, conversationId, firstTokenMs } = answer;
    const common = { ...modelAttributes(answer.model), ...(status === "error" ? { "error.type": "MODEL" } : {}) };
    const end = this.now().getTime();
    const name = `chat ${answer.model?.slice(answer.model.indexOf(":") + 1) ?? ""}`.trimEnd();
    const attributes = {
      ...common,
      "gen_ai.conversation.id": conversationId,
      "gen_ai.output.type": "text",
      "draftstate.answer.status": status,
      ...(firstTokenMs === null ? {} : { "gen_ai.response.time_to_first_chunk": firstTokenMs / 1000 }),
      ...(usage === undefined
        ? {}
        : { "gen_ai.usage.input_tokens": usage.inputTokens, "gen_ai.usage.output_tokens": usage.outputTokens }),
    };
    const span = this.#tracer.startSpan(name, {
      kind: this.api.SpanKind.CLIENT,
      startTime: end - durationMs,
      attributes,
    });
    if (status === "error") span.setStatus({ code: this.api.SpanStatusCode.ERROR });
    span.end(end);
    this.#measure(answer, common);
  }

  #measure({ durationMs, firstTokenMs, usage, tokens }: Answer, common: Attributes): void {
    const { duration, firstChunk, tokenUsage } = this.#instruments;
    duration.record(durationMs / 1000, common);
    if (firstTokenMs !== null) firstChunk.record(firstTokenMs / 1000, common);
    if (usage !== undefined) tokenUsage.record(usage.inputTokens, { ...common, "gen_ai.token.type": "input" });
    // Where the model does not report, each token was seen and counted.
    tokenUsage.record(usage?.outputTokens ?? tokens, { ...common, "gen_ai.token.type": "output" });
  }
}

function instrumentsOf(meter: Meter) {
  const seconds = (name: string, description: string, bounds: number[]): Histogram =>
    meter.createHistogram(name, { description, unit: "s", advice: { explicitBucketBoundaries: bounds } });
  return {
    duration: seconds(
      "gen_ai.client.operation.duration",
      "GenAI operation duration.",
      [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92],
    ),
    firstChunk: seconds(
      "gen_ai.client.operation.time_to_first_chunk",
      "Time to receive the first chunk.",
      [0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10],
    ),
    tokenUsage: meter.createHistogram("gen_ai.client.token.usage", {
      description: "Number of input and output tokens used.",
      unit: "{token}",
      advice: {
        explicitBucketBoundaries: [
          1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864,
        ],
      },
    }),
    saves: seconds(
      "draftstate.save.duration",
      "From the first byte of a write to its last sync.",
      [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    ),
    bytes: meter.createCounter("draftstate.saved.bytes", { description: "Bytes written.", unit: "By" }),
    saveErrors: meter.createCounter("draftstate.save.errors", { description: "Saves that failed after every retry." }),
    recoveries: meter.createCounter("draftstate.recoveries", { description: "Recoveries after a crash or damage." }),
  };
}
