/** LangSmith is left out of the command's usual chunks: where its variables ask for it, it still traces. */
import { createServer } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { describe, expect } from "vitest";
import { test, TIMEOUT, type World } from "./world.js";

/** What a server that stands in for LangSmith's was sent. */
async function traced(workspace: World["workspace"], env: Readonly<Record<string, string>>): Promise<string[]> {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    requests.push(`${request.method ?? ""} ${request.url ?? ""}`);
    request.resume().on("end", () => response.end('{"batch_ingest_config":{"use_multipart_endpoint":false}}'));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const chat = await workspace.run(["chat", "Hi", "--model", "offline"], {
    env: { LANGSMITH_ENDPOINT: `http://127.0.0.1:${port}`, LANGSMITH_API_KEY: "key", ...env },
  });
  expect(chat.status).toBe(0);
  server.close();
  return requests;
}

describe("LangSmith", TIMEOUT, () => {
  test("is sent the runs of an answer where its variables say so", async ({ workspace }) => {
    const env = { LANGSMITH_TRACING: "true", LANGCHAIN_CALLBACKS_BACKGROUND: "false" };
    expect(await traced(workspace, env)).toContain("POST /runs/batch");
  });

  test("is sent nothing otherwise", async ({ workspace }) => {
    expect(await traced(workspace, { LANGCHAIN_CALLBACKS_BACKGROUND: "false" })).toEqual([]);
  });
});
