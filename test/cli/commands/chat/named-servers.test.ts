/** A key and a conversation go only to a server that the user named in this run, or to the provider's own; and no address holds a key. */
import { describe, expect } from "vitest";
import { mayBeAsked, unencrypted } from "../../../../src/cli/settings/key-host.js";
import { credentialIn, redactUrl } from "../../../../src/model/urls.js";
import { errorOf } from "../../../e2e/cli.js";
import { mockUrl, startMock } from "../../../e2e/servers.js";
import { test, TIMEOUT } from "../../world.js";

const [KEY, THERE] = ["sk-canary-0123456789", "http://there.example:8080/v1"];

test.each([
  [THERE, undefined, false],
  [THERE, THERE, true],
  [`${THERE}/other`, THERE, true],
  ["http://there.example:8081/v1", THERE, false],
  ["https://there.example:8080/v1", THERE, false],
  ["http://there.example.evil:8080/v1", THERE, false],
  ["http://there.example:8080@evil/v1", THERE, false],
  ["https://api.openai.com/v1", undefined, true],
  ["http://api.openai.com/v1", undefined, false],
  ["https://api.openai.com.evil/v1", undefined, false],
  ["nonsense", undefined, false],
])("%s, with %s named in this run: %s", (url, named, may) => {
  expect(mayBeAsked({ url, named, hasKey: true })).toBe(may);
  expect(mayBeAsked({ url, named, hasKey: false })).toBe(may);
});

test("without a key, one on this machine may be asked as it was before", () => {
  for (const url of ["http://localhost:1/v1", "http://127.0.0.1:1/v1", "http://[::1]/"])
    expect([true, false].map((hasKey) => mayBeAsked({ url, named: undefined, hasKey }))).toEqual([false, true]);
});

test("a key to another machine over http is worth a warning, to this one it is not", () => {
  for (const url of ["http://192.168.1.2/v1", "http://localhost.evil/v1", "http://127.0.0.1.evil/"])
    expect(unencrypted(url)).toContain("unencrypted");
  for (const url of ["https://h/v1", "http://localhost:1/v1", "http://127.1.2.3/v1", "http://[::1]:1/v1"])
    expect(unencrypted(url)).toBeUndefined();
});

test.each([
  ["http://user:s3cret@h/v1", "http://***@h/v1"],
  ["http://s3cret@h/v1", "http://***@h/v1"],
  ["https://a@b:s3cret@h/v1", "https://***@h/v1"],
  ["https://h/v1?api-key=s3cret#s3cret", "https://h/v1?***"],
  ["http:user:s3cret@h", "http:***@h"],
  ["postgresql://me:s3cret@h/d?password=s3cret", "postgresql://me:***@h/d?***"],
  ["http://ho st/@s3cret@h?s3cret", "http://ho st/@s3cret@h?***"],
])("%s is shown as %s", (url, shown) => {
  expect(redactUrl(url)).toBe(shown);
});

test("an address without credentials is shown as it is", () => {
  for (const url of ["http://h:1/v1", "https://h/a@b", ""])
    expect([redactUrl(url), credentialIn(url)]).toEqual([url, undefined]);
});

describe("a conversation that remembers its server", TIMEOUT, () => {
  test("sends nothing there when it is resumed in a pipe, and the flag of the message allows it", async ({
    workspace,
  }) => {
    const mock = await startMock();
    mock.onMessage(/.*/, { content: "Yes." });
    const [url, env] = [mockUrl(mock), { OPENAI_API_KEY: KEY }];
    await workspace.run(["chat", "Hi", "--id", "tale", "--base-url", url], { env });
    const asked = mock.getRequests().length;
    for (const args of [
      ["--resume", "tale", "go on"],
      ["-c", "go on"],
      ["--fork", "tale", "go on"],
      ["-c", "-i"],
    ]) {
      const refused = await workspace.run(["chat", ...args, "--json"], { env });
      expect([refused.status, refused.stdout.includes('"USAGE"')]).toEqual([2, true]);
      expect(refused.stderr).toContain(`--base-url ${url}`);
    }
    const elsewhere = await workspace.run(["chat", "-c", "go on"], {
      env: { ...env, OPENAI_BASE_URL: "http://127.0.0.1:1/v1" },
    });
    expect([elsewhere.status, mock.getRequests().length]).toEqual([2, asked]);
    expect((await workspace.run(["chat", "-c", "go on", "--model", "offline"], { env })).status).toBe(0);
    expect((await workspace.run(["chat", "-c", "go on", "--base-url", url, "--model", "m"], { env })).status).toBe(0);
    expect((await workspace.run(["chat", "-c", "go on"], { env: { ...env, OPENAI_BASE_URL: url } })).status).toBe(0);
    await mock.stop();
  });
});

describe("an address that holds a key", TIMEOUT, () => {
  test.for([
    "http://user:pa55canary@127.0.0.1:1/v1",
    "http://127.0.0.1:1/v1?key=pa55canary",
    "htp://pa55canary@h",
    "http://pa55canary@ho st/",
  ])("%s is refused from wherever it comes, printed and stored nowhere", async (url, { workspace }) => {
    const byFlag = await workspace.run(["chat", "Hi", "--base-url", url, "--json"]);
    const byVariable = await workspace.run(["chat", "Hi", "--json"], { env: { OPENAI_BASE_URL: url } });
    const shown = await workspace.run(["config"], { env: { DRAFTSTATE_BASE_URL: url } });
    for (const { status, stdout } of [byFlag, byVariable])
      expect([status, stdout.includes("INVALID_CONFIG")]).toEqual([2, true]);
    for (const { stdout, stderr } of [byFlag, byVariable, shown]) expect(stdout + stderr).not.toContain("pa55canary");
    expect([...(await workspace.files()).values()].join("")).not.toContain("pa55canary");
  });

  test("is not taken over from a file that is imported", async ({ workspace }) => {
    await workspace.run(["chat", "Hi", "--id", "tale", "--model", "offline"]);
    const exported = await workspace.run(["export", "tale", "--format", "json"]);
    const file = JSON.parse(exported.stdout) as { _metadata: Record<string, unknown> };
    const { checksum: _, ...metadata } = file._metadata;
    const planted = { ...file, _metadata: { ...metadata, baseUrl: "http://u:pa55canary@h/v1", conversationId: "new" } };
    await workspace.write("in.json", JSON.stringify(planted));
    expect((await workspace.run(["import", "in.json", "--id", "new"])).status).toBe(0);
    expect(await workspace.read("state/new.json")).not.toContain("pa55canary");
  });

  test("in a webhook or a store of a settings file, or a store by flag, is refused without being repeated", async ({
    workspace,
  }) => {
    await workspace.write("mine.json", JSON.stringify({ alertWebhook: "https://u:s3cret@h/x" }));
    await workspace.write("other.json", JSON.stringify({ store: "postgresql://u:s3cret@h/d" }));
    for (const args of [
      ["--config", "mine.json"],
      ["--config", "other.json"],
      ["--store", "postgresql://u:s3cret@h/d"],
      ["--store", "postgresql://h/d?password=s3cret"],
    ]) {
      const result = await workspace.run([...args, "ls", "--json"]);
      expect([result.status, errorOf(result).code]).toEqual([2, "INVALID_CONFIG"]);
      expect(result.stdout + result.stderr).not.toContain("s3cret");
    }
  });
});
