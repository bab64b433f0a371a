/** `import` by the built CLI: what went out comes back equal, what others have comes in, and nothing is overwritten or half done. */
import { mkdir, readFile, symlink } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { writeFile } from "node:fs/promises";
import { describe, expect } from "vitest";
import { zipOf } from "../../doubles/zip.js";
import type { Shown, Workspace } from "../../e2e/cli.js";
import { test, TIMEOUT } from "../world.js";

const FIXTURES = fileURLToPath(new URL("../../fixtures/import/", import.meta.url));

interface ImportedJson {
  readonly format: string;
  readonly imported: readonly {
    readonly conversationId: string;
    readonly title: string;
    readonly messageCount: number;
    readonly backups: number;
  }[];
  readonly skipped: readonly string[];
}

async function tale(workspace: Workspace): Promise<Shown> {
  await workspace.run(["chat", "A story", "--id", "tale"]);
  await workspace.run(["chat", "And then?", "--resume", "tale"]);
  return workspace.show("tale");
}

/** What an import must bring back: all but the name and the time of saving, and that it was imported. */
function content(shown: Shown): object {
  const {
    conversationId: _id,
    savedAt: _at,
    imported: _imported,
    ...metadata
  } = shown._metadata as unknown as Record<string, unknown>;
  return { ...shown, _metadata: metadata };
}

describe.concurrent("import", TIMEOUT, () => {
  for (const format of ["json", "jsonl"]) {
    test(`brings back what export --format ${format} wrote: state, metadata, and the backups`, async ({
      workspace,
    }) => {
      const before = await tale(workspace);
      await workspace.run(["export", "tale", "-o", `out.${format}`, "--with-backups"]);
      const result = (await workspace.json(["import", `out.${format}`, "--id", "copy"])) as ImportedJson;
      expect(result).toMatchObject({
        format: "draftstate",
        imported: [{ conversationId: "copy", messageCount: 4, backups: 2, backupCount: 2 }],
      });
      expect(content(await workspace.show("copy"))).toEqual(content(before));
      const points = async (id: string): Promise<object[]> =>
        (await workspace.backups(id)).map(({ timestamp, revision, messageCount, reason, valid }) => ({
          timestamp,
          revision,
          messageCount,
          reason,
          valid,
        }));
      expect(await points("copy")).toEqual(await points("tale"));
      expect(content(await workspace.show("copy", "--backup", "~1"))).toEqual(
        content(await workspace.show("tale", "--backup", "~1")),
      );
      expect(await workspace.json(["verify"])).toMatchObject({ ok: true });
      expect((await workspace.run(["chat", "On", "--resume", "copy"])).status).toBe(0);
    });
  }

  test("never overwrites: an id that is taken is an error, --id and --skip-existing are the ways on", async ({
    workspace,
  }) => {
    await tale(workspace);
    await workspace.run(["export", "tale", "-o", "out.json"]);
    const before = await workspace.read("state/tale.json");
    expect((await workspace.run(["import", "out.json"])).status).toBe(2);
    expect((await workspace.run(["import", "out.json", "--id", "TALE"])).status).toBe(2);
    expect(await workspace.json(["import", "out.json", "--skip-existing"])).toMatchObject({
      imported: [],
      skipped: ["tale"],
    });
    expect(await workspace.read("state/tale.json")).toBe(before);
    expect((await workspace.ls()).map(({ conversationId }) => conversationId)).toEqual(["tale"]);
  });

  test("takes snapshots and backups as they are, compressed too, and refuses one whose checksum differs", async ({
    workspace,
  }) => {
    const before = await tale(workspace);
    const snapshot = await readFile(workspace.path("state/tale.json"));
    await writeFile(workspace.path("copy.json.gz"), gzipSync(snapshot));
    await writeFile(workspace.path("copy.json.br"), brotliCompressSync(snapshot));
    await workspace.run(["import", "copy.json.gz", "--id", "zipped"]);
    await workspace.run(["import", "copy.json.br", "--id", "brotli"]);
    expect(content(await workspace.show("zipped"))).toEqual(content(before));
    expect(content(await workspace.show("brotli"))).toEqual(content(before));
    await workspace.write("edited.json", snapshot.toString("utf8").replace("And then?", "And now?"));
    expect((await workspace.run(["import", "edited.json", "--id", "edited"])).status).toBe(4);
    expect((await workspace.run(["import", "edited.json", "--id", "edited", "--accept"])).status).toBe(0);
  });

  for (const [name, format, ids] of [
    ["llm-logs.json", "llm", ["llm-01jw8c1r2hzzz3n5p9q0s1t2v3", "llm-01jw8d0000000000000000000b"]],
    [
      "chatgpt-conversations.json",
      "chatgpt",
      ["chatgpt-67860b18-1f2c-8004-a1b2-0c3d4e5f6a7b", "chatgpt-weird-id-..-x"],
    ],
    ["claude-code-session.jsonl", "claude-code", ["claude-code-3f0c9c1e-5a77-4b0e-9f52-2b6f6e1d8a11"]],
  ] as const) {
    test(`brings in ${name}, from stdin too, each as a conversation with a backup, and continues`, async ({
      workspace,
    }) => {
      const result = (await workspace.json(["import", "-"], {
        stdin: await readFile(`${FIXTURES}${name}`, "utf8"),
      })) as ImportedJson;
      expect([result.format, result.imported.map(({ conversationId }) => conversationId)]).toEqual([format, ids]);
      expect(
        (await workspace.ls())
          .map(({ conversationId, backupCount, status }) => [conversationId, backupCount, status])
          .sort(),
      ).toEqual(ids.map((id) => [id, 1, "complete"]).sort());
      expect(await workspace.json(["verify"])).toMatchObject({ ok: true });
      expect((await workspace.run(["chat", "Go on", "--resume", ids[0], "--model", "offline"])).status).toBe(0);
    });
  }

  test("--dry-run says it all and writes nothing", async ({ workspace }) => {
    const result = (await workspace.json(["import", `${FIXTURES}llm-logs.json`, "--dry-run"])) as ImportedJson;
    expect(result.imported).toHaveLength(2);
    expect((await workspace.files()).size).toBe(0);
  });

  test("imports what is good of a file, names the rest, and exits with 4; --strict is all or nothing", async ({
    workspace,
  }) => {
    const log = JSON.parse(await readFile(`${FIXTURES}llm-logs.json`, "utf8")) as Record<string, unknown>[];
    await workspace.write(
      "log.json",
      JSON.stringify(log.map((row, index) => (index === 3 ? { ...row, response: 7 } : row))),
    );
    const strict = await workspace.run(["import", "log.json", "--strict"]);
    expect([strict.status, strict.stderr]).toEqual([4, expect.stringContaining("[3].response")]);
    expect(await workspace.ls()).toEqual([]);
    const result = await workspace.run(["import", "log.json", "--json"]);
    expect([result.status, result.stderr]).toEqual([
      4,
      expect.stringContaining(`warning: ${workspace.path("log.json")}[3].response is not text`),
    ]);
    expect(JSON.parse(result.stdout)).toMatchObject({
      problems: [{ file: workspace.path("log.json"), place: "[3].response", message: "is not text" }],
    });
    expect((await workspace.ls()).length).toBeGreaterThan(0);
  });

  test("says what a reader left aside, and why", async ({ workspace }) => {
    const result = await workspace.run(["import", `${FIXTURES}claude-code-session.jsonl`]);
    expect([result.status, result.stderr]).toEqual([
      0,
      expect.stringContaining("2 turns of 7 were left aside (1 abandoned branch, 1 side chain)"),
    ]);
    const again = (await workspace.json(["import", `${FIXTURES}claude-code-session.jsonl`, "--id", "again"])) as object;
    expect(again).toMatchObject({ leftAside: 2, imported: [{ messageCount: 5, turnCount: 7, leftAside: [{}, {}] }] });
  });

  test("keeps the dates of what it imports: ls sorts by them, and @last is what was had here", async ({
    workspace,
  }) => {
    await workspace.run(["import", `${FIXTURES}claude-code-session.jsonl`, "--id", "old"]);
    expect((await workspace.show("@last"))._metadata.conversationId).toBe("old");
    await workspace.run(["import", `${FIXTURES}llm-logs.json`]);
    await workspace.write(
      "future.json",
      JSON.stringify([{ role: "user", content: "x", createdAt: "2199-01-01T00:00:00.000Z" }]),
    );
    await workspace.run(["chat", "Here", "--id", "here"]);
    await workspace.run(["import", "future.json"]);
    const rows = (await workspace.json(["ls"])) as { conversationId: string; updatedAt: string; imported: boolean }[];
    expect(rows.map(({ conversationId }) => conversationId)).toEqual([
      "future",
      "here",
      "old",
      expect.stringContaining("llm-"),
      expect.stringContaining("llm-"),
    ]);
    expect(rows[2]).toMatchObject({ updatedAt: "2025-11-03T08:00:09.000Z", imported: true });
    expect((await workspace.show("@last"))._metadata.conversationId).toBe("here");
    await workspace.run(["chat", "On", "--resume", "old"]);
    expect((await workspace.show("@last"))._metadata.conversationId).toBe("old");
    expect((await workspace.ls())[1]).toMatchObject({ conversationId: "old", imported: false });
    await workspace.run(["fork", "future", "copy"]);
    expect((await workspace.show("@last"))._metadata.conversationId).toBe("copy");
  });

  test("takes several files, a directory of sessions and the ZIP archive as it was downloaded", async ({
    workspace,
  }) => {
    const session = await readFile(`${FIXTURES}claude-code-session.jsonl`, "utf8");
    await workspace.write("projects/-home-dev/one.jsonl", session);
    await workspace.write("projects/-home-dev/two.jsonl", session.replaceAll("3f0c9c1e-", "4f0c9c1e-"));
    await workspace.write("projects/-home-dev/empty.jsonl", '{"type":"summary","summary":"x","leafUuid":"y"}\n');
    await workspace.write("projects/-home-dev/agent-1.jsonl", session);
    await workspace.write("projects/-home-dev/broken.jsonl", '{"type":"user","uu');
    await workspace.write("projects/notes.md", "# Notes");
    const bulk = await workspace.run(["import", "projects", "--json"]);
    expect([bulk.status, JSON.parse(bulk.stdout)]).toMatchObject([
      4,
      {
        imported: [
          { file: workspace.path("projects/-home-dev/one.jsonl") },
          { file: workspace.path("projects/-home-dev/two.jsonl") },
        ],
        problems: [{ file: workspace.path("projects/-home-dev/broken.jsonl") }],
        otherFiles: 2,
        sideChainFiles: 1,
      },
    ]);
    const chats = await readFile(`${FIXTURES}chatgpt-conversations.json`, "utf8");
    await writeFile(
      workspace.path("export.zip"),
      zipOf({ "chat.html": "<p>", "conversations-000.json": chats, "user.json": "{}" }),
    );
    expect(await workspace.json(["import", "export.zip"])).toMatchObject({
      format: "chatgpt",
      imported: [{ file: workspace.path("export.zip/conversations-000.json") }, {}],
    });
    await workspace.write("a.json", chats.replaceAll("67860b18-", "77860b18-").replaceAll("weird id", "odd id"));
    const both = await workspace.json(["import", "a.json", `${FIXTURES}llm-logs.json`]);
    expect(both).toMatchObject({ format: "several", imported: [{}, {}, {}, {}], problems: [] });
  });

  test("of a file that is missing, no file, or nothing known, says so by its status", async ({ workspace }) => {
    await workspace.write("other.json", '{"name":"x"}');
    const statuses = await Promise.all(
      [
        ["import", "missing.json"],
        ["import", "/dev/null"],
        ["import", "other.json"],
        ["import", `${FIXTURES}llm-logs.json`, "--id", "one"],
      ].map(async (args) => (await workspace.run(args)).status),
    );
    expect(statuses).toEqual([3, 2, 4, 2]);
  });

  test("of a directory without sessions, also behind a link, or a device asks for something else", async ({
    workspace,
  }) => {
    await mkdir(workspace.path("folder"));
    await symlink("folder", workspace.path("link"));
    const said = async (name: string): Promise<string> => (await workspace.run(["import", name])).stderr;
    expect([await said("folder"), await said("link"), await said("/dev/null")]).toEqual([
      `error: ${workspace.path("folder")} holds no files: name the files to import\n`,
      `error: ${workspace.path("link")} holds no files: name the files to import\n`,
      "error: /dev/null is not a regular file: give one, or pipe it to stdin\n",
    ]);
    await workspace.write("folder/notes.txt", "x");
    expect(await said("folder")).toContain("holds no .jsonl or .ndjson file, and no session-*.json");
    expect(await workspace.json(["ls"])).toEqual([]);
  });

  test("keeps hostile text out of the terminal's way", async ({ workspace }) => {
    const result = await workspace.run(["import", "-"], {
      stdin: JSON.stringify([
        {
          id: "a",
          model: "m",
          prompt: "\u001b]0;owned\u0007\u202e",
          response: "x",
          conversation_name: "\u001b[2J\u009b31m",
        },
      ]),
    });
    expect(result.status).toBe(0);
    expect(result.stdout + result.stderr).not.toMatch(/(?!\n)\p{Cc}|\p{Bidi_Control}/u);
  });
});
