/**
 * A restore that was refused for want of room did not happen, whatever is changed after it and whenever the power goes: its
 * record does not come back to be taken for one that did. Without the sync behind its removal it would.
 */
import { expect, test } from "vitest";
import type { FileSystem } from "../../src/storage/file-system.js";
import { told } from "../doubles/conversations.js";
import { PendingDisk } from "../doubles/crash-states.js";
import { codeRejected } from "../doubles/error-code.js";
import { intercepted } from "../doubles/interleaving.js";
import { managerOver, START } from "../doubles/managers.js";
import { ProcessWorld } from "../doubles/process-world.js";
import { SimulatedFileSystem } from "../doubles/simulated-file-system.js";
import { STATE_DIR, storageOver } from "../doubles/storage-over.js";
import { systemError } from "../doubles/system-error.js";

let boots = 0;

function managerAfterBoot(fs: FileSystem): ReturnType<typeof managerOver> {
  boots += 1;
  const storage = storageOver(fs, new ProcessWorld(`boot-${boots}`).table(1), `b${boots}x`);
  return managerOver(storage, {}, START + boots * 60_000);
}

/** What was done to a disk on which a restore is refused and something is said then. */
async function refusedAndSaid(isSynced: boolean): Promise<PendingDisk> {
  const first = new SimulatedFileSystem();
  const manager = managerAfterBoot(first);
  await told(manager, "chat", 2);
  await manager.close();
  const disk = first.settled();
  let isFull = false;
  let isWithdrawn = false;
  const fs = intercepted(disk, async (call, [path = ""], act) => {
    if (isFull && call === "createFile" && !path.includes("/.draftstate/") && path.startsWith(STATE_DIR))
      throw systemError("ENOSPC", call, path);
    if (call === "unlink" && path.includes("pending_")) isWithdrawn = true;
    if (!isSynced && isWithdrawn && call === "syncDirectory" && path.endsWith("/trash")) return undefined as never;
    return act();
  });
  const refused = managerAfterBoot(fs);
  const conversation = await refused.open("chat");
  isFull = true;
  expect(await codeRejected(refused.restore("chat", "~1"))).toBe("STORAGE");
  isFull = false;
  expect(isWithdrawn).toBe(true);
  conversation.update((draft) => {
    draft.currentNarrative = "said since";
  });
  await conversation.flush();
  const pending = new PendingDisk(disk.base);
  for (const operation of disk.operations) pending.push(operation);
  return pending;
}

/** What is offered for undo after a power loss, in each state that the disk may be left in. */
async function offered(disk: PendingDisk): Promise<string[]> {
  const kinds = new Set<string>();
  let states = 0;
  for (const { image } of disk.images()) {
    states += 1;
    const manager = managerAfterBoot(new SimulatedFileSystem(image));
    expect((await manager.open("chat")).state).toMatchObject({ currentNarrative: "said since" });
    for (const { operation } of await manager.operations()) kinds.add(operation);
    await manager.close();
  }
  expect(states).toBeGreaterThan(0);
  return [...kinds];
}

test("a restore that was refused is not offered for undo after a power loss", async () => {
  expect(await offered(await refusedAndSaid(true))).toEqual([]);
});

test("without the sync behind the removal of its record it would be", async () => {
  expect(await offered(await refusedAndSaid(false))).toEqual(["restore"]);
});
