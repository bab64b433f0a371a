/** That the offline model answers is said once for a store, with what silences it. */
import { expect, test } from "vitest";
import { InProcess, TIMEOUT } from "../../world.js";

const NOTE = "said once; --model offline never says it";

test(
  "the note about the offline model appears once in a store, and never where the model is named",
  TIMEOUT,
  async () => {
    const workspace = await InProcess.create();
    const said = async (...args: string[]): Promise<boolean> =>
      (await workspace.run(["chat", "Hi", ...args])).stderr.replaceAll(/\s+/g, " ").includes(NOTE);
    expect([await said("--model", "offline"), await said(), await said()]).toEqual([false, true, false]);
    expect(await said("--store", "other")).toBe(true);
    await workspace.remove();
  },
);
