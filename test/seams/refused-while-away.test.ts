/** A new conversation whose beginning is refused while the state directory is away: the refusal is what the caller hears, and nothing stays. */
import { existsSync } from "node:fs";
import { afterEach, expect, test } from "vitest";
import { ABSENCES, Place } from "./absence.js";
import { cleanUp, filesBelow, outcome, stateDirectory } from "./seam.js";

afterEach(cleanUp);

test.each(ABSENCES)(
  "%s: the refusal is told, nothing is made in its place, and the id is free once it is back",
  async (how) => {
    const place = new Place(how);
    const manager = place.manager();
    await (await manager.open("other")).close();
    const validate = (): { readonly issues: readonly { readonly message: string }[] } => {
      place.takeAway();
      return { issues: [{ message: "it lacks a topic" }] };
    };
    const schema = { "~standard": { version: 1, vendor: "test", validate } } as const;
    expect(await outcome(manager.open("tale", { schema }))).toBe("INVALID_STATE");
    if (how === "missing") expect(existsSync(stateDirectory(place.directory))).toBe(false);
    place.bringBack();
    const again = await manager.open("tale");
    expect(again.revision).toBeLessThanOrEqual(1);
    await again.close();
    expect((await manager.verify()).problems).toEqual([]);
    await manager.close();
    expect(filesBelow(place.directory).filter((path) => path.endsWith(".lock") || path.includes(".tmp-"))).toEqual([]);
  },
);
