// One kind of work and nothing else, to be run under a profiler: `node --cpu-prof bench/profiled.mjs synced`.
import { eventLoopTime } from "./rows/streaming.mjs";
import { writeSnapshots } from "./many.mjs";
import { conversationWith, managerIn, streamAwaited } from "./ours.mjs";
import { messages, Scratch, stateOf, TOKENS } from "./work.mjs";

const WORKS = {
  synced: async (scratch) => {
    const { manager, conversation } = await conversationWith(stateOf(1000), scratch.directory(), { maxBackups: 0 });
    for (let round = 0; round < 10; round += 1) await streamAwaited(conversation, TOKENS);
    await manager.close();
  },
  loop: (scratch) => eventLoopTime({ scratch, rounds: 9 }),
  snapshot: async (scratch) => {
    const { manager, conversation } = await conversationWith({ ...stateOf(0), messages: messages(15_500) }, scratch.directory(), { maxBackups: 0 });
    for (let round = 0; round < 20; round += 1) {
      conversation.update((draft) => { draft.messages[7000].content = `changed ${round}`; });
      await conversation.compact();
    }
    await manager.close();
  },
  list: async (scratch) => {
    const directory = scratch.directory();
    await writeSnapshots(directory, 10_000);
    for (let round = 0; round < 5; round += 1) await managerIn(directory).list();
  },
};

const scratch = new Scratch();
try {
  await WORKS[process.argv[2]](scratch);
} finally {
  scratch.remove();
}
