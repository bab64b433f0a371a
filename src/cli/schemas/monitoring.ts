/** `health --json` and `stats --json`. */
import { z } from "zod";
import { FIGURE_NAMES } from "../../monitoring/figures.js";
import { anyId, bytes, conversationId, count, status, time } from "./parts.js";

const level = z.enum(["ok", "warn", "fail"]);
const ratio = z.number().nullable();
const milliseconds = z.number().min(0);

export const health = z
  .object({ status: level, checks: z.array(z.object({ name: z.string(), status: level, detail: z.string() })) })
  .describe("The worst of the checks, and each of them.");

const summary = z.object({
  answers: count,
  timeToFirstTokenMs: ratio.describe("On average; null where no token was seen."),
  tokensPerSecond: ratio.describe("From the first token on."),
  saves: count,
  writtenBytes: z.object({ journal: bytes, snapshot: bytes, backup: bytes }),
  textBytes: bytes,
  writeAmplification: ratio.describe("Bytes written for each byte of the models' text."),
  backups: count,
  recoveries: count,
  saveErrors: count,
});

export const statsOfConversation = summary
  .extend({
    conversationId,
    title: z.string(),
    tokenCount: count.describe("Of the state: also tokens that were not counted."),
    sizeBytes: bytes,
    backupCount: count,
    growth: z.array(z.object({ at: time, sizeBytes: bytes })).describe("Oldest first, the present last."),
  })
  .describe("What was counted for one conversation.");

export const statsOfThread = z
  .object({
    kind: z.literal("thread"),
    conversationId: anyId,
    status,
    checkpoints: count,
    namespaces: count.describe("The graph's own, and one for each run of a subgraph."),
    messageCount: count,
    values: count,
    valueBytes: bytes,
    partials: count,
    files: count,
    sizeBytes: bytes,
    createdAt: time,
    updatedAt: time,
  })
  .describe("What is known of one LangGraph thread.");

const latency = z.object({ count, p50: milliseconds, p95: milliseconds, p99: milliseconds }).nullable();
const values = z
  .record(z.string(), z.record(z.string(), z.number()))
  .describe("By name, then by label, empty where it has none.");

export const stats = z
  .object({
    total: summary.extend({
      tokens: count,
      backupsRemoved: count,
      damageFound: count,
      retries: count,
      warnings: count,
      alerts: count,
      saveDurationMs: z.object({ all: latency, journal: latency, snapshot: latency }),
      firstTokenMs: latency,
      answerMs: latency,
    }),
    conversations: z.array(statsOfConversation),
    days: z
      .record(z.string().describe("2026-01-14, in UTC."), z.partialRecord(z.enum(FIGURE_NAMES), z.number()))
      .describe("Sums of each day."),
    counters: values,
    gauges: values,
  })
  .describe("What was counted for the whole store.");
