/** Counts what the manager's events tell into the registry. A few additions an event, since most tokens are one. */
import type { FigureSums, MetricRegistry } from "../monitoring/registry.js";
import { dayOf } from "../monitoring/days.js";
import type { EventSource, ManagerEvents } from "../store/events.js";

interface LastSums {
  readonly id: string;
  readonly day: string;
  readonly generation: number;
  readonly sums: readonly [FigureSums, FigureSums];
}

export class Recorder {
  #dayIndex = -1;
  #day = "";
  #last: LastSums | undefined;

  constructor(
    private readonly registry: MetricRegistry,
    private readonly now: () => Date,
  ) {}

  listen(events: EventSource): void {
    const { registry } = this;
    this.#listenToSaves(events);
    this.#listenToThreads(events);
    events.on("saveError", ({ conversationId, kind, error }) => {
      registry.counter("draftstate_save_errors_total", error.code).add();
      if (kind === undefined) registry.add(conversationId, this.#today(), { errors: 1 });
    });
    events.on("backupCreated", ({ conversationId, reason, bytes }) => {
      registry.counter("draftstate_backups_total", reason).add();
      registry.counter("draftstate_saved_bytes_total", "backup").add(bytes);
      registry.add(conversationId, this.#today(), { backups: 1, backupBytes: bytes });
    });
    events.on("backupRemoved", () => {
      registry.counter("draftstate_backups_removed_total").add();
    });
    events.on("retry", () => {
      registry.counter("draftstate_retries_total").add();
    });
    events.on("warning", () => {
      registry.counter("draftstate_warnings_total").add();
    });
    events.on("recovered", (event) => {
      this.#recovered(event);
    });
    events.on("answerEnded", (event) => {
      this.#answerEnded(event);
    });
    events.on("alert", ({ state, metric }) => {
      if (state === "firing") registry.counter("draftstate_alerts_total", metric).add();
    });
    events.on("monitoringError", ({ source }) => {
      if (source === "webhook") registry.counter("draftstate_webhook_failures_total").add();
    });
  }

  /** The path of every token: series are looked up once. */
  #listenToSaves(events: EventSource): void {
    const { registry } = this;
    const series = (kind: "journal" | "snapshot") => ({
      saves: registry.counter("draftstate_saves_total", kind),
      bytes: registry.counter("draftstate_saved_bytes_total", kind),
      duration: registry.histogram("draftstate_save_duration_seconds", kind),
    });
    const kinds = { journal: series("journal"), snapshot: series("snapshot") };
    const records = registry.histogram("draftstate_batch_records");
    events.on("stateSaved", (event) => {
      const { saves, bytes, duration } = kinds[event.kind];
      saves.add();
      bytes.add(event.bytes);
      duration.observe(event.durationMs / 1000);
      if (event.kind === "journal") records.observe(event.records);
      const [own, today] = this.#sumsOf(event.conversationId);
      const kind = event.kind === "journal" ? "journalBytes" : "snapshotBytes";
      own.saves += 1;
      own[kind] += event.bytes;
      today.saves += 1;
      today[kind] += event.bytes;
    });
  }

  /** No figures of their own: a thread's id may be any text, and another conversation's. */
  #listenToThreads(events: EventSource): void {
    const { registry } = this;
    const saves = registry.counter("draftstate_saves_total", "thread");
    const written = registry.counter("draftstate_saved_bytes_total", "thread");
    const duration = registry.histogram("draftstate_save_duration_seconds", "thread");
    const batch = registry.histogram("draftstate_batch_records");
    events.on("threadSaved", ({ records, bytes, durationMs }) => {
      saves.add();
      written.add(bytes);
      duration.observe(durationMs / 1000);
      batch.observe(records);
    });
  }

  /** Looked up again only for another conversation, another day, or once the registry has let its conversations go. */
  #sumsOf(id: string): readonly [FigureSums, FigureSums] {
    const { registry } = this;
    const { generation } = registry;
    const day = this.#today();
    if (this.#last?.id !== id || this.#last.day !== day || this.#last.generation !== generation) {
      this.#last = { id, day, generation, sums: [registry.conversation(id), registry.day(day)] };
    }
    return this.#last.sums;
  }

  #recovered({ conversationId, source, problems }: ManagerEvents["recovered"]): void {
    const { registry } = this;
    const damaged = problems.some(({ kind }) => kind !== "journal-torn");
    registry
      .counter("draftstate_recoveries_total", source !== "snapshot" ? "backup" : damaged ? "damaged" : "interrupted")
      .add();
    for (const { kind } of problems) registry.counter("draftstate_corruption_total", kind).add();
    registry.add(conversationId, this.#today(), { recoveries: 1 });
  }

  #answerEnded(event: ManagerEvents["answerEnded"]): void {
    const { registry } = this;
    const { conversationId, status, tokens, textBytes, firstTokenMs, durationMs } = event;
    registry.counter("draftstate_answers_total", status).add();
    registry.histogram("draftstate_answer_duration_seconds").observe(durationMs / 1000);
    if (firstTokenMs !== null)
      registry.histogram("draftstate_time_to_first_token_seconds").observe(firstTokenMs / 1000);
    const first = firstTokenMs === null ? {} : { firstTokens: 1, firstTokenMs };
    registry.add(conversationId, this.#today(), { answers: 1, tokens, textBytes, answerMs: durationMs, ...first });
  }

  #today(): string {
    const at = this.now().getTime();
    const index = Math.floor(at / 86_400_000);
    if (index !== this.#dayIndex) [this.#dayIndex, this.#day] = [index, dayOf(at)];
    return this.#day;
  }
}
