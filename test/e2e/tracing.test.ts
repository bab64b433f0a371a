/** LangSmith: its variables are often set for other programs, so only draftstate's own switch makes chat send runs there. */
import { createServer } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { describe, expect } from "vitest";
import { test, TIMEOUT, type World } from "./world.js";

/** What a server that stands in for LangSmith's was sent. */
async function traced(
  workspace: World["workspace"],
  env: Readonly<Record<string, string>>,
  ...more: readonly string[]
): Promise<{ requests: string[]; stderr: string }> {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    requests.push(`${request.method ?? ""} ${request.url ?? ""}`);
    request.resume().on("end", () => response.end('{"batch_ingest_config":{"use_multipart_endpoint":false}}'));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const chat = await workspace.run(["chat", "Hi", "--model", "offline", ...more], {
    env: {
      LANGSMITH_ENDPOINT: `http://127.0.0.1:${port}`,
      LANGSMITH_API_KEY: "key",
      LANGCHAIN_CALLBACKS_BACKGROUND: "false",
      ...env,
    },
  });
  expect(chat.status).toBe(0);
  server.close();
  return { requests, stderr: chat.stderr };
}

const SWITCHES = {
  LANGSMITH_TRACING: "true",
  LANGSMITH_TRACING_V2: "true",
  LANGCHAIN_TRACING: "true",
  LANGCHAIN_TRACING_V2: "true",
};

describe("LangSmith", TIMEOUT, () => {
  test("is sent nothing where only its own variables say so", async ({ workspace }) => {
    expect((await traced(workspace, SWITCHES)).requests).toEqual([]);
  });

  test("is sent the runs of an answer with --tracing or the setting, which is announced", async ({ workspace }) => {
    for (const { requests, stderr } of [
      await traced(workspace, {}, "--tracing"),
      await traced(workspace, { DRAFTSTATE_TRACING: "true" }),
    ]) {
      expect(requests).toContain("POST /runs/batch");
      expect(stderr).toContain("also sent to LangSmith at http://127.0.0.1:");
    }
  });

  test("is sent nothing of what is not saved", async ({ workspace }) => {
    const { requests, stderr } = await traced(workspace, SWITCHES, "--tracing", "--no-save");
    expect([requests, stderr.includes("LangSmith")]).toEqual([[], false]);
  });
});
