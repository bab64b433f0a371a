/** A conversation that is closed under an answer: whoever watches hears of it, the process lives, nothing streamed is lost. */
import { expect, test } from "vitest";
import { DraftHybridStreamingAgent } from "../../src/agent/agent.js";
import { OfflineStoryModel } from "../../src/agent/models/offline.js";
import { managerOver, memory } from "../doubles/managers.js";

test("closing the manager in the middle of an answer ends the loop with an error that can be caught", async () => {
  const storage = memory();
  const manager = managerOver(storage);
  const agent = new DraftHybridStreamingAgent({ manager, model: new OfflineStoryModel({ tokenDelay: 1 }) });
  let partial = "";
  const watch = async (): Promise<void> => {
    let seen = 0;
    for await (const state of agent.streamConversation("Tell me a story", { conversationId: "tale" })) {
      partial = state.streamingProperties.partialResponse;
      if ((seen += 1) === 5) await manager.close();
    }
  };
  await expect(watch()).rejects.toMatchObject({ name: "DraftstateError" });
  expect(partial).not.toBe("");
  const found = await managerOver(storage).load("tale");
  expect(found?.metadata.status).toBe("interrupted");
  expect(JSON.stringify(found?.state)).toContain(JSON.stringify(partial).slice(1, -1));
});
