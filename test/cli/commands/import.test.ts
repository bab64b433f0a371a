/** `import` by the built CLI: what went out comes back equal, what others have comes in, and nothing is overwritten or half done. */
import { mkdir, readFile, symlink } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { writeFile } from "node:fs/promises";
import { describe, expect } from "vitest";
import type { Shown, Workspace } from "../../e2e/cli.js";
import { test, TIMEOUT } from "../world.js";

const FIXTURES = fileURLToPath(new URL("../../fixtures/import/", import.meta.url));

interface ImportedJson {
  readonly format: string;
  readonly imported: readonly {
    readonly conversationId: string;
    readonly title: string;
    readonly messageCount: number;
    readonly restorePoints: number;
  }[];
  readonly skipped: readonly string[];
}

async function tale(workspace: Workspace): Promise<Shown> {
  await workspace.run(["chat", "A story", "--id", "tale"]);
  await workspace.run(["chat", "And then?", "--resume", "tale"]);
  return workspace.show("tale");
}

/** What an import must bring back: all but the name and the time of saving. */
function content(shown: Shown): object {
  const { conversationId: _id, savedAt: _at, ...metadata } = shown._metadata as unknown as Record<string, unknown>;
  return { ...shown, _metadata: metadata };
}

describe.concurrent("import", TIMEOUT, () => {
  for (const format of ["json", "jsonl"]) {
    test(`brings back what export --format ${format} wrote: state, metadata, and the restore points`, async ({
      workspace,
    }) => {
      const before = await tale(workspace);
      await workspace.run(["export", "tale", "-o", `out.${format}`, "--with-backups"]);
      const result = (await workspace.json(["import", `out.${format}`, "--id", "copy"])) as ImportedJson;
      expect(result).toMatchObject({
        format: "draftstate",
        imported: [{ conversationId: "copy", messageCount: 4, restorePoints: 2, backupCount: 2 }],
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
    test(`brings in ${name}, from stdin too, each as a conversation with a restore point, and goes on`, async ({
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

  test("is all or nothing: one conversation that cannot be read keeps the others out, and is named", async ({
    workspace,
  }) => {
    const log = JSON.parse(await readFile(`${FIXTURES}llm-logs.json`, "utf8")) as Record<string, unknown>[];
    await workspace.write(
      "log.json",
      JSON.stringify(log.map((row, index) => (index === 3 ? { ...row, response: 7 } : row))),
    );
    const result = await workspace.run(["import", "log.json"]);
    expect([result.status, result.stderr]).toEqual([4, expect.stringContaining("[3].response")]);
    expect(await workspace.ls()).toEqual([]);
  });

  test("of a file that is missing, no file, or nothing known, says so by its status", async ({ workspace }) => {
    await workspace.write("other.json", '{"name":"x"}');
    const statuses = await Promise.all(
      [
        ["import", "missing.json"],
        ["import", "."],
        ["import", "other.json"],
        ["import", `${FIXTURES}llm-logs.json`, "--id", "one"],
      ].map(async (args) => (await workspace.run(args)).status),
    );
    expect(statuses).toEqual([3, 2, 4, 2]);
  });

  test("of a directory, also behind a link, or a device asks for a file", async ({ workspace }) => {
    await mkdir(workspace.path("folder"));
    await symlink("folder", workspace.path("link"));
    const said = async (name: string): Promise<string> => (await workspace.run(["import", name])).stderr;
    expect([await said("folder"), await said("link"), await said("/dev/null")]).toEqual([
      `error: ${workspace.path("folder")} is a directory: give a file in it\n`,
      `error: ${workspace.path("link")} is a directory: give a file in it\n`,
      "error: /dev/null is not a regular file: give one, or pipe it to stdin\n",
    ]);
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
