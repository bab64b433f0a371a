/**
 * What a user gets: a small tarball that installs anywhere. `npm run test:package`; not among the tests of `draft:test`,
 * which need no registry.
 */
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { pack, Project, removePacked, type Packed } from "./installed.js";

const MAX_FILES = 150;
const MAX_BYTES = 5_800_000;
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

    test("compiles under strict, with the declarations checked and no optional peer", async () => {
      expect(await project.compile(APP)).toEqual({ status: 0, output: "" });
    });

    test("compiles without the types of Node.js and without a library of the user's choice", async () => {
      expect(await project.compileBare(APP)).toEqual({ status: 0, output: "" });
    });

    test("names lines of src in the stack of an error", async () => {
      const { output } = await project.command("show", "nobody", "--verbose");
      expect(output).toMatch(/src\/cli\/arguments\/resolve-id\.ts:\d+:\d+/);
    });
  });
});
