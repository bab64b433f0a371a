/** `models`, and the names that a person may give: aliases, what a server offers, and what is said of a name that nobody knows. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { once } from "node:events";
import { describe, expect } from "vitest";
import { models as schema } from "../../../src/cli/schemas/models.js";
import type { Workspace } from "../../e2e/cli.js";
import { test } from "../world.js";

const OWN = ".config/draftstate/config.json";

interface Asked {
  readonly url: string;
  readonly requests: (readonly [string | undefined, string | undefined])[];
}

async function serverWith(workspace: Workspace, status: number, body: unknown): Promise<Asked> {
  const requests: (readonly [string | undefined, string | undefined])[] = [];
  const server = createServer(({ url, headers }, response) => {
    requests.push([url, headers.authorization]);
    response.writeHead(status, { "content-type": "application/json" });
    response.end(JSON.stringify(body));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  workspace.onRemove(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, "close");
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`, requests };
}

const OFFERED = { object: "list", data: [{ id: "llama3.2:latest" }, { id: "qwen3" }] };

describe("models", () => {
  test("lists aliases and what the server offers, asked with the key", async ({ workspace }) => {
    const { url, requests } = await serverWith(workspace, 200, OFFERED);
    await workspace.write(OWN, JSON.stringify({ models: { fast: "ollama:llama3.2" }, baseUrl: url }));
    const printed = await workspace.json(["models"], { env: { OPENAI_API_KEY: "the-key" } });
    expect(schema.parse(printed)).toEqual(printed);
    expect(printed).toMatchObject({
      aliases: [{ name: "fast", model: "ollama:llama3.2" }],
      server: { url, models: ["llama3.2:latest", "qwen3"], error: null },
    });
    expect(requests).toEqual([["/v1/models", "Bearer the-key"]]);
    expect((await workspace.run(["models"])).stdout).toMatch(/fast +ollama:llama3\.2 +alias\n(.*\n)*qwen3/);
  });

  test("says in the server's words why there is no list, and lists the aliases all the same", async ({ workspace }) => {
    const { url } = await serverWith(workspace, 401, { error: { message: "wrong key the-key" } });
    await workspace.write(OWN, JSON.stringify({ models: { fast: "ollama:llama3.2" } }));
    const result = await workspace.run(["models", "--base-url", url], { env: { OPENAI_API_KEY: "the-key" } });
    expect([result.status, result.stdout]).toEqual([6, expect.stringContaining("fast")]);
    expect(result.stderr).toContain("wrong key [redacted]");
  });

  test.for([
    ["http://127.0.0.1:1/v1", 6, "the server cannot be reached"],
    ["http://127.0.0.1:99999/v1", 2, "is not an http URL"],
  ] as const)("says what is wrong with the address %s", async ([url, exit, words], { workspace }) => {
    const { status, stderr } = await workspace.run(["models", "--base-url", url]);
    expect([status, stderr]).toEqual([exit, expect.stringContaining(words)]);
  });

  test("asks nobody where nobody is named", async ({ workspace }) => {
    expect(await workspace.json(["models"])).toMatchObject({ aliases: [], server: null });
  });
});

test("completion knows aliases, in --model of chat", async ({ workspace }) => {
  await workspace.write(OWN, JSON.stringify({ models: { fast: "ollama:llama3.2" } }));
  const { stdout } = await workspace.run(["__complete", "--", "chat", "--model", ""]);
  expect(stdout.split("\n")).toEqual(expect.arrayContaining(["fast", "offline", "anthropic:"]));
  expect((await workspace.run(["__complete", "--", "chat", "--model", "fa"])).stdout).toBe("fast\n");
});
