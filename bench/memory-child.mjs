// One measurement of memory in a process of its own, as JSON on stdout.
import { statSync } from "node:fs";
import { join } from "node:path";
import { beginTurn } from "../dist/index.js";
import { conversationWith, managerIn } from "./ours.mjs";
import { messages, stateOf } from "./work.mjs";

const [, , what, directory, amount] = process.argv;

/** Two, since what the first one frees may hold more. */
function collect() {
  globalThis.gc();
  globalThis.gc();
}

async function stream(tokens) {
  const { manager, conversation } = await conversationWith(stateOf(10), directory, {
    autoSave: true,
    autoSaveInterval: 1000,
    maxBackups: 0,
  });
  let early;
  for (let index = 1; index <= tokens; index += 1) {
    conversation.appendToken(" word");
    if (index % 50 === 0) await conversation.flush();
    if (index === tokens / 10 || index === tokens) {
      collect();
      // The answer's text itself, held once as narrative and once as partial answer.
      const used = process.memoryUsage().heapUsed - 2 * conversation.state.currentNarrative.length;
      if (early === undefined) early = used;
      else process.stdout.write(JSON.stringify({ tokens, early, late: used }));
    }
  }
  await manager.close();
}

/** Written by one process, so that the one that is measured begins empty. */
async function large(megabytes) {
  if (process.argv[5] === undefined) {
    const { execFileSync } = await import("node:child_process");
    execFileSync(process.execPath, [process.argv[1], "write", directory, amount]);
  }
  collect();
  const empty = process.memoryUsage().rss;
  const manager = managerIn(directory, { maxBackups: 0 });
  const conversation = await manager.open("bench");
  conversation.update((draft) => beginTurn(draft, { at: new Date().toISOString() }));
  conversation.appendToken("one");
  await conversation.flush();
  await conversation.compact();
  const peak = process.resourceUsage().maxRSS * 1024 - empty;
  collect();
  const after = process.memoryUsage().rss - empty;
  await manager.close();
  process.stdout.write(
    JSON.stringify({ size: statSync(join(directory, "state", "bench.json")).size, peak, after, megabytes }),
  );
}

async function write(megabytes) {
  const { manager } = await conversationWith(
    { ...stateOf(0), messages: messages(Math.round((megabytes * 1e6) / 655)) },
    directory,
    { maxBackups: 0 },
  );
  await manager.close();
}

await { stream, large, write }[what](Number(amount));
