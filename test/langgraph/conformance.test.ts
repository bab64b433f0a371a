/** Every test that LangGraph has for checkpoint savers, on files and in memory; none is skipped. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { deltaChannelHistoryTests, validate } from "@langchain/langgraph-checkpoint-validation";
import { DraftstateSaver } from "../../src/langgraph/index.js";
import { memory } from "../doubles/managers.js";

// The suite is written for vitest with globals.
Object.assign(globalThis, { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it });

const directories = new Map<DraftstateSaver, string>();

const initializers = [
  {
    checkpointerName: "draftstate, in memory",
    createCheckpointer: () => new DraftstateSaver({ storage: memory(), telemetry: false }),
    destroyCheckpointer: (saver: DraftstateSaver) => saver.close(),
  },
  {
    checkpointerName: "draftstate, on files",
    createCheckpointer: async () => {
      const root = await mkdtemp(join(tmpdir(), "draftstate-saver-"));
      const saver = new DraftstateSaver({
        stateDir: join(root, "state"),
        backupDir: join(root, "backup"),
        durability: "relaxed",
        telemetry: false,
      });
      directories.set(saver, root);
      return saver;
    },
    destroyCheckpointer: async (saver: DraftstateSaver) => {
      await saver.close();
      await rm(directories.get(saver) ?? "", { recursive: true });
    },
  },
];

for (const initializer of initializers) {
  validate(initializer);
  deltaChannelHistoryTests(initializer);
}
