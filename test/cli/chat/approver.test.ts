/** A decision of the person holds, whatever becomes of its record. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { expect, test } from "vitest";
import { approverFor } from "../../../src/cli/chat/approver.js";
import type { TurnContext } from "../../../src/cli/chat/session-types.js";

test("always holds in this chat where it cannot be recorded, and that is said", async () => {
  const home = await mkdtemp(join(tmpdir(), "draftstate-approver-"));
  // Where the directory of the user's settings would be.
  await writeFile(join(home, "file"), "");
  const warnings: string[] = [];
  const input = Object.assign(new PassThrough(), { isTTY: true });
  const silent = (): void => undefined;
  const turn = {
    allowedHere: new Set<string>(),
    isSaved: true,
    store: "s",
    input,
    conversation: { id: "tale", info: { createdAt: "2026-01-14T21:30:00.000Z" } },
    context: {
      env: { XDG_CONFIG_HOME: join(home, "file") },
      json: false,
      io: { home, control: { on: silent, off: silent } },
      output: {
        errorIsTerminal: true,
        errorStyle: { dim: (text: string) => text },
        message: silent,
        raw: (text: string) => {
          if (text.startsWith("run it?")) setImmediate(() => input.write("a\n"));
        },
        warning: (text: string) => warnings.push(text),
      },
    },
  };
  const decide = approverFor(turn as unknown as TurnContext, (ask) => ask());
  const request = { conversationId: "tale", id: "c1", name: "look", args: {} };
  expect(await decide(request)).toBe("run");
  expect(warnings).toEqual([expect.stringContaining("allowed until the chat ends")]);
  expect(await decide({ ...request, id: "c2" })).toBe("run");
  await rm(home, { recursive: true });
});
