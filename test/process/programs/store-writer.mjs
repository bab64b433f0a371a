/**
 * A LangGraph store's writer, there to be killed: each batch puts one number under two keys, and deletes what the batch before
 * last put under a key of its own. A number is printed once its batch is on disk. Runs the built library.
 */
import { DraftstateStore } from "../../../dist/langgraph.js";

const { settings, namespace, text } = JSON.parse(process.argv[2]);
const store = new DraftstateStore({ ...settings, telemetry: false });
const padding = "x".repeat(text);
const last = await store.get(namespace, "a");
for (let number = (last?.value.number ?? 0) + 1; ; number += 1) {
  const value = { number, padding };
  await store.batch([
    { namespace, key: "a", value },
    { namespace, key: `only ${number}`, value: { number } },
    { namespace, key: `only ${number - 2}`, value: null },
    { namespace, key: "b", value },
  ]);
  process.stdout.write(`ack ${number}\n`);
}
