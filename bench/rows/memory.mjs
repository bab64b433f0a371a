// Memory, in processes of their own: flat while streaming, and how much a large conversation takes.
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { row, spread } from "../measure.mjs";

const CHILD = fileURLToPath(new URL("../memory-child.mjs", import.meta.url));

function inChild(...args) {
  return JSON.parse(execFileSync(process.execPath, ["--expose-gc", CHILD, ...args.map(String)], { encoding: "utf8" }));
}

export async function memory({ scratch, quick }) {
  const streamed = inChild("stream", scratch.directory(), quick ? 20_000 : 100_000);
  const large = inChild("large", scratch.directory(), quick ? 10 : 100);
  const mb = (bytes) => `${(bytes / 1e6).toFixed(1)} MB`;
  return [
    row({
      id: "memory-stream",
      what: `heap after ${streamed.tokens.toLocaleString("en-US")} tokens, without their text, to after a tenth`,
      guarantee: "after a collection",
      target: "≤ 1.25",
      against: "itself after a tenth of the tokens",
      ratio: spread([streamed.late / streamed.early]),
      seen: { early: mb(streamed.early), late: mb(streamed.late) },
    }),
    row({
      id: "memory-large",
      what: `peak of loading, changing and saving a conversation of ${mb(large.size)}`,
      guarantee: "resident, above an empty process",
      target: "≤ 3",
      against: "the size of its snapshot",
      ratio: spread([large.peak / large.size]),
      seen: { peak: mb(large.peak), "after saving": mb(large.after) },
    }),
  ];
}
