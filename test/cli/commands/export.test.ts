/** `export` by the built CLI: files written whole and only where asked, and the page as a browser sees it. */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readdir, readlink, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect } from "vitest";
import { errorOf, type Workspace } from "../../e2e/cli.js";
import { test, TIMEOUT } from "../world.js";

const KEY = ["sk-", "abcdefghijklmnop1234"].join("");

async function tale(workspace: Workspace): Promise<void> {
  await workspace.run(["chat", `A story of ${KEY} by bob@mail.example`, "--id", "tale"]);
  await workspace.run(["chat", "And then?", "--resume", "tale"]);
}

describe.concurrent("export", TIMEOUT, () => {
  test("writes Markdown to stdout unless told, and nothing else there", async ({ workspace }) => {
    await tale(workspace);
    const result = await workspace.run(["export", "tale"]);
    expect([result.status, result.stderr]).toEqual([0, ""]);
    expect(result.stdout).toContain("\n## User");
    expect(result.stdout).toContain("And then?");
  });

  test("takes the format from the file's name; an existing file stays unless --force, a link always", async ({
    workspace,
  }) => {
    await tale(workspace);
    expect((await workspace.run(["export", "tale", "-o", "a.html"])).status).toBe(0);
    const page = await workspace.read("a.html");
    expect(page).toMatch(/^<!DOCTYPE html>/);
    expect((await workspace.run(["export", "tale", "-o", "a.html", "--format", "md"])).status).toBe(2);
    expect(await workspace.read("a.html")).toBe(page);
    expect((await workspace.run(["export", "tale", "-o", "a.html", "--format", "md", "--force"])).status).toBe(0);
    await symlink("elsewhere.md", workspace.path("link.md"));
    expect((await workspace.run(["export", "tale", "-o", "link.md", "--force"])).status).toBe(2);
    expect([await readlink(workspace.path("link.md")), existsSync(workspace.path("elsewhere.md"))]).toEqual([
      "elsewhere.md",
      false,
    ]);
    expect((await readdir(workspace.directory)).filter((name) => name.startsWith(".tmp"))).toEqual([]);
  });

  test("into a directory that is not there is not found", async ({ workspace }) => {
    await tale(workspace);
    expect((await workspace.run(["export", "tale", "-o", "nowhere/a.md"])).status).toBe(3);
  });

  test("--redact takes secrets from every format, and says how many on stderr", async ({ workspace }) => {
    await tale(workspace);
    for (const format of ["md", "html", "json", "jsonl"]) {
      const result = await workspace.run(["export", "tale", "--format", format, "--redact"]);
      expect([result.status, result.stdout.includes(KEY), result.stdout.includes("bob@")]).toEqual([0, false, false]);
      expect(result.stderr).toMatch(/redacted .*API key.*e-mail address/);
    }
  });

  test("--backup gives an older state, --json says what was written", async ({ workspace }) => {
    await tale(workspace);
    const old = await workspace.run(["export", "tale", "--backup", "~1", "--format", "jsonl"]);
    expect(old.stdout.trim().split("\n")).toHaveLength(3);
    expect(await workspace.json(["export", "tale", "-o", "b.json", "--with-backups"])).toMatchObject({
      conversationId: "tale",
      format: "json",
      path: "b.json",
      messageCount: 4,
      backups: 2,
    });
    expect(await workspace.json(["export", "tale"])).toMatchObject({
      messages: [{ role: "user" }, { role: "assistant" }, { content: "And then?" }, {}],
      _metadata: { conversationId: "tale" },
    });
  });

  test("of what is not there, or in a format that is none, says so by its status", async ({ workspace }) => {
    await tale(workspace);
    const [missing, format] = [
      await workspace.run(["export", "nowhere", "--json"]),
      await workspace.run(["export", "tale", "--format", "pdf", "--json"]),
    ];
    expect([missing.status, errorOf(missing).code, format.status, errorOf(format).code]).toEqual([
      3,
      "NOT_FOUND",
      2,
      "USAGE",
    ]);
  });

  test.for([
    [["-o", "tale.pdf"], "cannot export as pdf: end the name with .md, .html, .json or .jsonl"],
    [["--history"], "md has no place for backups: use --history with html, json or jsonl"],
    [["--with-backups", "-o", "a.md"], "md has no place for backups"],
    [["--history", "--backup", "latest", "-f", "html"], "cannot be used together"],
  ] as const)("with %j is refused before anything is read", async ([options, message], { workspace }) => {
    const refused = await workspace.run(["export", "tale", ...options]);
    expect([refused.status, refused.stderr]).toEqual([2, expect.stringContaining(message)]);
  });

  test("into a name without an ending, or a .txt, is Markdown", async ({ workspace }) => {
    await tale(workspace);
    for (const name of ["story", "story.TXT"])
      expect(await workspace.json(["export", "tale", "-o", name])).toMatchObject({ format: "md" });
  });

  test("opens in a browser as the conversation, its backups folded, no script run", async ({ workspace }) => {
    const chromium = ["/usr/bin/chromium", "/usr/bin/chromium-browser"].find((path) => existsSync(path));
    if (chromium === undefined) {
      console.warn("left out: no chromium on this machine, the page was not opened in a browser");
      return;
    }
    const hostile =
      '<script>document.title="owned"</script><img src=x onerror="document.title=1"> [x](javascript:1) </article></main> **bold**';
    await workspace.run(["chat", hostile, "--id", "tale"]);
    await workspace.run(["chat", "And then?", "--resume", "tale"]);
    await workspace.run(["export", "tale", "-o", "page.html", "--history"]);
    const profile = await mkdtemp(join(tmpdir(), "draftstate-chromium-"));
    const flags = [
      "--headless",
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      `--user-data-dir=${profile}`,
    ];
    try {
      const { stdout } = await promisify(execFile)(
        chromium,
        [...flags, "--dump-dom", `file://${workspace.path("page.html")}`],
        { maxBuffer: 2 ** 26, timeout: 90_000 },
      );
      expect(stdout.match(/<article class="message/g)).toHaveLength(4);
      expect(stdout.match(/<(?:script|img)/g)).toBeNull();
      expect(stdout).toContain("&lt;script&gt;document.title=");
      expect(stdout).toContain("<strong>bold</strong>");
      expect(stdout).not.toContain("<title>owned");
      expect(stdout.match(/<details class="fold">/g)?.length).toBeGreaterThanOrEqual(2);
    } finally {
      await rm(profile, { recursive: true, force: true, maxRetries: 5 });
    }
  });
});
