/** Every test that LangGraph has for checkpoint savers, on a server; none is skipped. Some minutes: `npm run test:postgres`. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { deltaChannelHistoryTests, validate } from "@langchain/langgraph-checkpoint-validation";
import { DraftstateSaver } from "../../src/langgraph/index.js";
import type { PostgresStorage } from "../../src/storage/postgres/index.js";
import { PostgresServer } from "./server.js";

// The suite is written for vitest with globals.
Object.assign(globalThis, { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it });

const server = await PostgresServer.start({ fsync: "off" });
const storages = new Map<DraftstateSaver, PostgresStorage>();

afterAll(() => server.stop());

const initializer = {
  checkpointerName: "draftstate, on PostgreSQL",
  createCheckpointer: () => {
    const storage = server.storage();
    const saver = new DraftstateSaver({ storage, telemetry: false });
    storages.set(saver, storage);
    return saver;
  },
  destroyCheckpointer: async (saver: DraftstateSaver) => {
    await saver.close();
    await storages.get(saver)?.close();
    storages.delete(saver);
  },
};

validate(initializer);
deltaChannelHistoryTests(initializer);
