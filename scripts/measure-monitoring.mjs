/** What monitoring costs a token: the meter, and everything that listens to a save. Run with `npm run bench:monitoring`. */
import { importSource } from "./import-source.mjs";

const ROUNDS = 2_000_000;

/** Nanoseconds of processor time for one call, after a warm-up: a busy machine changes nothing. */
function cost(act) {
  for (let round = 0; round < ROUNDS / 10; round += 1) act();
  const begun = process.cpuUsage();
  for (let round = 0; round < ROUNDS; round += 1) act();
  const { user, system } = process.cpuUsage(begun);
  return ((user + system) * 1000) / ROUNDS;
}

const { AnswerMeter } = await importSource("src/monitoring/answer-meter.ts");
const { MetricRegistry } = await importSource("src/monitoring/registry.ts");
const { ManagerEmitter } = await importSource("src/store/events.ts");
const { Recorder } = await importSource("src/metrics/recorder.ts");

const registry = new MetricRegistry();
const events = new ManagerEmitter();
const save = { conversationId: "tale", kind: "journal", revision: 1, records: 1, bytes: 80, durationMs: 1.2 };
events.on("stateSaved", () => undefined);
const bare = cost(() => events.emit("stateSaved", save));
new Recorder(registry, () => new Date()).listen(events);
const counted = cost(() => events.emit("stateSaved", save)) - bare;
const sums = {
  tokens: registry.counter("draftstate_tokens_total"),
  textBytes: registry.counter("draftstate_text_bytes_total"),
};
const meter = new AnswerMeter(
  sums,
  () => performance.now(),
  () => undefined,
);
const measured = cost(() => meter.token(" token"));
console.log(
  `a token measured: ${measured.toFixed(0)} ns; a save counted: ${counted.toFixed(0)} ns; together: ${((measured + counted) / 1000).toFixed(2)} µs`,
);
