/**
 * Every metric by its Prometheus name: what it is, its one label, its words. The names are a contract: they may be
 * added to, never changed. A histogram's bounds are part of what is kept on disk: changing them needs another version of it.
 */
export interface MetricDefinition {
  readonly type: "counter" | "gauge" | "histogram";
  readonly help: string;
  readonly label?: string;
  /** Upper bounds of a histogram's buckets, ascending, `+Inf` left out. */
  readonly bounds?: readonly number[];
}

const SAVE_SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] as const;
const ANSWER_SECONDS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300] as const;
const RECORDS = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024] as const;

export const METRICS = {
  draftstate_saves_total: {
    type: "counter",
    label: "kind",
    help: "Durable writes: journal batches and snapshots of conversations, batches of LangGraph threads.",
  },
  draftstate_save_errors_total: {
    type: "counter",
    label: "code",
    help: "Saves that failed after every retry, by error code.",
  },
  draftstate_save_duration_seconds: {
    type: "histogram",
    label: "kind",
    bounds: SAVE_SECONDS,
    help: "From the first byte of a write to its last sync.",
  },
  draftstate_saved_bytes_total: {
    type: "counter",
    label: "kind",
    help: "Bytes written: journal, snapshot, backup, thread.",
  },
  draftstate_batch_records: {
    type: "histogram",
    bounds: RECORDS,
    help: "Changes that shared one write and one sync of a journal or a thread's log.",
  },
  draftstate_queue_depth: { type: "gauge", help: "Changes that wait to be written, over all processes, as last told." },
  draftstate_retries_total: { type: "counter", help: "Tries again after an error that can pass." },
  draftstate_fallback_active: { type: "gauge", help: "Conversations that are saved in the fallback directory now." },
  draftstate_recoveries_total: {
    type: "counter",
    label: "kind",
    help: "Recoveries after a crash or damage, by kind: interrupted (a process died), damaged (files were damaged, the snapshot was usable), backup (only a backup was).",
  },
  draftstate_corruption_total: { type: "counter", label: "kind", help: "Damage found by recoveries, by kind." },
  draftstate_backups_total: { type: "counter", label: "reason", help: "Backups made, by reason." },
  draftstate_backups_removed_total: {
    type: "counter",
    help: "Backups let go: interim ones, those beyond maxBackups, and pruned ones.",
  },
  draftstate_warnings_total: {
    type: "counter",
    help: "Housekeeping that failed: nothing was lost, but someone should look.",
  },
  draftstate_alerts_total: { type: "counter", label: "metric", help: "Alerts raised, by the metric of their rule." },
  draftstate_webhook_failures_total: { type: "counter", help: "Alerts that could not be delivered to the webhook." },
  draftstate_answers_total: { type: "counter", label: "status", help: "Answers of models, by how they ended." },
  draftstate_tokens_total: { type: "counter", help: "Tokens streamed by models." },
  draftstate_text_bytes_total: { type: "counter", help: "Bytes of the text in those tokens." },
  draftstate_time_to_first_token_seconds: {
    type: "histogram",
    bounds: ANSWER_SECONDS,
    help: "From asking the model to its first token.",
  },
  draftstate_answer_duration_seconds: {
    type: "histogram",
    bounds: ANSWER_SECONDS,
    help: "From asking the model to the end of its answer.",
  },
  draftstate_unsaved_seconds: {
    type: "gauge",
    help: "Age of the oldest change that is not saved, over all processes, as last told.",
  },
  draftstate_conversations: { type: "gauge", help: "Conversations in the store." },
  draftstate_threads: { type: "gauge", help: "LangGraph threads in the store." },
  draftstate_namespaces: { type: "gauge", help: "Namespaces of a LangGraph store: its long-term memory." },
  draftstate_langgraph_bytes: {
    type: "gauge",
    label: "kind",
    help: "Size of the files of LangGraph threads and of namespaces, within those of the state directory.",
  },
  draftstate_store_bytes: {
    type: "gauge",
    label: "area",
    help: "Size of the files in the state and the backup directory.",
  },
  draftstate_free_bytes: { type: "gauge", label: "area", help: "Room left where the directory is." },
} as const satisfies Record<string, MetricDefinition>;

export type MetricName = keyof typeof METRICS;

export const METRIC_NAMES = Object.keys(METRICS) as readonly MetricName[];

export function isMetricName(name: string): name is MetricName {
  return Object.hasOwn(METRICS, name);
}

export function definitionOf(name: MetricName): MetricDefinition {
  return METRICS[name];
}
