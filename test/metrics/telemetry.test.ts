/** With an SDK set up, answers are spans and metrics under the names of the GenAI conventions; without one nothing happens. */
import { context, metrics, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from "@opentelemetry/sdk-metrics";
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-base";
import { afterEach, describe, expect, test } from "vitest";
import { DraftStatePersistenceManager } from "../../src/manager.js";
import { loadTelemetry, type TelemetryApi } from "../../src/metrics/telemetry.js";
import { memory, turn } from "../doubles/managers.js";

afterEach(() => {
  trace.disable();
  metrics.disable();
  context.disable();
});

function managerWith(telemetry?: () => Promise<TelemetryApi | undefined>): DraftStatePersistenceManager {
  return new DraftStatePersistenceManager(
    { storage: memory(), now: () => new Date(), elapsed: () => performance.now(), random: Math.random, telemetry },
    { autoSave: false },
  );
}

async function answers(manager: DraftStatePersistenceManager): Promise<void> {
  const conversation = await manager.open("tale");
  // The package is loaded beside the opening.
  await loadTelemetry();
  const good = manager.monitor.beginAnswer("tale", "openai:gpt-4o");
  good.token("my-secret-token");
  await turn(conversation, "my-secret-question", "my-secret-token");
  good.end("complete", { inputTokens: 12, outputTokens: 1 });
  manager.monitor.beginAnswer("tale", "offline").end("error");
  await manager.close();
}

test("the package fits the part of it that is used", () => {
  const api: TelemetryApi = { trace, metrics, SpanKind, SpanStatusCode };
  expect(api.SpanKind.CLIENT).toBe(SpanKind.CLIENT);
});

describe("OpenTelemetry", () => {
  test("each answer is a client span named after its model, a failed one marked so, without message text", async () => {
    const exporter = new InMemorySpanExporter();
    trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }));
    await answers(managerWith(loadTelemetry));
    const [good, failed] = exporter.getFinishedSpans();
    expect(good).toMatchObject({ name: "chat gpt-4o", kind: SpanKind.CLIENT });
    expect(good?.attributes).toMatchObject({
      "gen_ai.operation.name": "chat",
      "gen_ai.provider.name": "openai",
      "gen_ai.request.model": "gpt-4o",
      "gen_ai.conversation.id": "tale",
      "gen_ai.usage.input_tokens": 12,
      "gen_ai.usage.output_tokens": 1,
    });
    expect(failed).toMatchObject({
      name: "chat offline",
      status: { code: SpanStatusCode.ERROR },
      attributes: { "error.type": "MODEL", "gen_ai.provider.name": "offline" },
    });
    expect(
      JSON.stringify(exporter.getFinishedSpans().map(({ name, attributes, events }) => [name, attributes, events])),
    ).not.toContain("my-secret");
  });

  test("durations, token usage and saves are metrics", async () => {
    const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
    const provider = new MeterProvider({
      readers: [new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 })],
    });
    metrics.setGlobalMeterProvider(provider);
    await answers(managerWith(loadTelemetry));
    await provider.forceFlush();
    const found = exporter.getMetrics().flatMap(({ scopeMetrics }) => scopeMetrics.flatMap((scope) => scope.metrics));
    const named = (name: string) => found.find(({ descriptor }) => descriptor.name === name);
    expect(named("gen_ai.client.operation.duration")?.descriptor.unit).toBe("s");
    expect(named("gen_ai.client.operation.duration")?.dataPoints).toHaveLength(2);
    const usage = named("gen_ai.client.token.usage")?.dataPoints.map(({ attributes, value }) => [
      attributes["gen_ai.token.type"],
      (value as { sum: number }).sum,
    ]);
    expect(usage).toContainEqual(["input", 12]);
    expect(usage).toContainEqual(["output", 1]);
    expect(named("draftstate.save.duration")?.dataPoints.length).toBeGreaterThan(0);
    expect(
      named("draftstate.saved.bytes")?.dataPoints.map(({ attributes }) => attributes["draftstate.save.kind"]),
    ).toContain("snapshot");
    await provider.shutdown();
  });

  test("without the package, and with it but no SDK, everything continues as before", async () => {
    await answers(managerWith(() => Promise.resolve(undefined)));
    await answers(managerWith(loadTelemetry));
    await answers(managerWith());
  });
});
