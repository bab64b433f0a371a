// Opens a thread in a process that does nothing else, and prints the milliseconds until its newest checkpoint was there.
import { join } from "node:path";
import { SqliteSaver } from "@langchain/langgraph-checkpoint-sqlite";
import { DraftstateSaver } from "../dist/langgraph.js";

const [, , name, directory] = process.argv;
const started = performance.now();
const saver =
  name === "draftstate"
    ? new DraftstateSaver({
        stateDir: join(directory, "state"),
        backupDir: join(directory, "backup"),
        telemetry: false,
      })
    : SqliteSaver.fromConnString(join(directory, "threads.db"));
const tuple = await saver.getTuple({ configurable: { thread_id: "bench" } });
if (tuple === undefined) throw new Error("nothing there");
process.stdout.write(String(performance.now() - started));
if (name === "draftstate") await saver.close();
