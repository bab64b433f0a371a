/**
 * What a user gets: a small tarball that installs anywhere. `npm run test:package`; not among the tests of `draft:test`,
 * which need no registry.
 */
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { pack, Project, removePacked, type Packed } from "./installed.js";

const MAX_FILES = 150;
const MAX_BYTES = 5_400_000;
const APP = `
import { createDraftStatePersistenceManager, DraftstateError, type Conversation } from "draftstate";
import { readImport, toMarkdown, type ConversationDocument } from "draftstate/formats";
const manager = createDraftStatePersistenceManager({ stateDir: "state", backupDir: "backup" });
const conversation: Conversation = await manager.open("tale");
conversation.update((draft) => { draft.currentNarrative = "Once"; });
export const bytes: number = (await manager.list())[0]?.sizeBytes ?? 0;
export const page = (document: ConversationDocument): string => toMarkdown(document, (text) => text);
export const imported = (text: Uint8Array) => readImport(text, { at: "2026-01-14T21:30:00.000Z", acceptEdited: false });
export const isOurs = (error: unknown): boolean => error instanceof DraftstateError;
`;
/** A project with a state of its own: typed by its schema, watched from a revision, with an answer of its own loop. */
const OWN_STATE = `
import { createDraftStatePersistenceManager, type AnswerPart, type WatchEvent } from "draftstate";
import { z } from "zod";
const Trip = z.object({ stops: z.array(z.string()), budget: z.number().optional() });
const manager = createDraftStatePersistenceManager({ stateDir: "trips", backupDir: "trip-backups" });
const trip = await manager.open("trip", { schema: Trip, initial: { stops: [] } });
trip.update((draft) => { draft.stops.push("Bern"); });
await trip.flush();
const known = manager.get<z.output<typeof Trip>>("trip");
const stops: readonly string[] = known?.state.stops ?? [];
const from = trip.durableRevision;
const told: string[] = [];
let watches = (): void => undefined;
const watching = new Promise<void>((resolve) => { watches = resolve; });
async function read(): Promise<void> {
  for await (const event of manager.watch("trip", { from })) {
    watches();
    tell(event);
    if (event.kind === "status" && event.revision > from && event.status === "complete") break;
  }
}
function tell(event: WatchEvent): void {
  if (event.kind === "text") told.push(event.text);
  if (event.kind === "message") told.push(event.role);
}
async function* model(): AsyncGenerator<AnswerPart> {
  yield* ["Go to ", "Bern."];
  yield { finishReason: "stop" };
}
const reader = read();
await watching;
const statuses: string[] = [];
for await (const event of trip.recordAnswer(model(), { message: "Where?" })) if (event.type === "end") statuses.push(event.status);
await reader;
const { stops: kept, budget } = (await manager.loadState("trip", { schema: Trip })) ?? {};
console.log(JSON.stringify({ same: known === trip, stops, statuses, told: told.join("|"), kept, budget: budget ?? "none" }));
await manager.close();
`;

let packed: Packed;
beforeAll(async () => {
  packed = await pack();
}, 60_000);
afterAll(() => removePacked(packed));

describe("the tarball", { timeout: 120_000 }, () => {
  test("is small", () => {
    expect({ files: packed.files.length <= MAX_FILES, bytes: packed.unpackedSize <= MAX_BYTES }).toEqual({
      files: true,
      bytes: true,
    });
  });

  test("has nothing for npm to run, or to warn of, when it is installed; a checkout builds after prepare", () => {
    const { scripts } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as {
      readonly scripts: Readonly<Record<string, string>>;
    };
    const names = Object.keys(scripts);
    expect(names.filter((name) => ["preinstall", "install", "postinstall", "prepare"].includes(name))).toEqual([]);
    expect(names).toContain("postprepare");
  });

  describe("in an empty project", () => {
    let project: Project;
    beforeAll(async () => {
      project = await Project.create(packed, "empty");
    }, 120_000);

    test("has a command that works", async () => {
      expect(await project.command("chat", "Tell me a story", "--id", "tale", "-q")).toMatchObject({ status: 0 });
      const { status, output } = await project.command("ls", "--json");
      expect([status, JSON.parse(output)]).toEqual([0, [expect.objectContaining({ conversationId: "tale" })]]);
    });

    test.each(["draftstate", "draftstate/formats"])("has an entry %s that loads", async (entry) => {
      const source = `console.log(Object.keys(await import(${JSON.stringify(entry)})).length > 3)`;
      expect(await project.runModule(source)).toEqual({ status: 0, output: "true\n" });
    });

    test("compiles without the types of Node.js and without a library of the user's choice or an optional peer", async () => {
      expect(await project.compileBare(APP)).toEqual({ status: 0, output: "" });
    });

    test("names lines of src in the stack of an error", async () => {
      const { output } = await project.command("show", "nobody", "--verbose");
      expect(output).toMatch(/src\/cli\/arguments\/resolve-id\.ts:\d+:\d+/);
    });

    // The last: the others have no zod at hand.
    test("compiles under strict with the declarations checked, and keeps a state of its own by a schema", async () => {
      await project.link("zod");
      expect(await project.compile({ "app.ts": APP, "own-state.ts": OWN_STATE })).toEqual({ status: 0, output: "" });
      const { status, output } = await project.runFile("own-state.js");
      expect([status, JSON.parse(output)]).toEqual([
        0,
        {
          same: true,
          stops: ["Bern"],
          statuses: ["complete"],
          told: expect.stringMatching(/^user\|Go to \|?Bern\.\|assistant$/),
          kept: ["Bern"],
          budget: "none",
        },
      ]);
    });
  });
});
