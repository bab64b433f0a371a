// One kind of work, profiled from when everything is set up: `node bench/profiled.mjs synced > synced.cpuprofile`.
import { Session } from "node:inspector/promises";
import { turnOf } from "./rows/streaming.mjs";
import { writeSnapshots } from "./many.mjs";
import { conversationWith, managerIn, streamAwaited } from "./ours.mjs";
import { messages, Scratch, stateOf, TOKENS } from "./work.mjs";

const INTERVAL = 100; // microseconds between two looks

/** Each sets up and gives back the work itself. */
const WORKS = {
  synced: async (scratch) => {
    const { conversation } = await conversationWith(stateOf(1000), scratch.directory(), { maxBackups: 0 });
    return async () => {
      for (let round = 0; round < 10; round += 1) await streamAwaited(conversation, TOKENS);
    };
  },
  loop: async (scratch) => {
    const { manager, conversation } = await conversationWith(stateOf(10), scratch.directory(), { maxBackups: 0 });
    const tokens = Array.from({ length: 100 }, () => TOKENS).flat();
    const graph = {
      async *stream() {
        for (const text of tokens) yield { type: "token", text };
      },
    };
    return async () => {
      for await (const _event of turnOf({ manager, conversation, graph }));
    };
  },
  snapshot: async (scratch) => {
    const { conversation } = await conversationWith(
      { ...stateOf(0), messages: messages(15_500) },
      scratch.directory(),
      { maxBackups: 0 },
    );
    return async () => {
      for (let round = 0; round < 20; round += 1) {
        conversation.update((draft) => {
          draft.messages[7000].content = `changed ${round}`;
        });
        await conversation.compact();
      }
    };
  },
  list: async (scratch) => {
    const directory = scratch.directory();
    await writeSnapshots(directory, 10_000);
    return async () => {
      for (let round = 0; round < 5; round += 1) await managerIn(directory).list();
    };
  },
};

const scratch = new Scratch();
const session = new Session();
session.connect();
try {
  const work = await WORKS[process.argv[2]](scratch);
  await session.post("Profiler.enable");
  await session.post("Profiler.setSamplingInterval", { interval: INTERVAL });
  await session.post("Profiler.start");
  await work();
  const { profile } = await session.post("Profiler.stop");
  process.stdout.write(JSON.stringify(profile));
} finally {
  scratch.remove();
}
