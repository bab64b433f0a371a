/** Fifty commands, each a process of its own, that start at once on a server without tables: made once, and all are served. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { Workspace } from "../e2e/cli.js";
import { PostgresServer } from "./server.js";

const PROCESSES = 50;

let server: PostgresServer;
let workspace: Workspace;

beforeAll(async () => {
  server = await PostgresServer.start({ fsync: "off" });
  workspace = await Workspace.create();
});
afterAll(async () => {
  await workspace.remove();
  await server.stop();
});

test(`${PROCESSES} processes that start at once find the tables, and keep their conversations`, async () => {
  const store = `${server.url()}?schema=${server.newSchema()}`;
  const run = (...args: readonly string[]) => workspace.run(["--store", store, ...args]);
  const ids = Array.from({ length: PROCESSES }, (_, index) => `chat-${index + 10}`);
  const results = await Promise.all(ids.map((id) => run("chat", "Hello", "--id", id)));
  expect(results.map(({ status, stderr }) => [status, status === 0 ? "" : stderr])).toEqual(ids.map(() => [0, ""]));
  const rows = JSON.parse((await run("ls", "--json")).stdout) as readonly { readonly conversationId: string }[];
  expect(rows.map(({ conversationId }) => conversationId).sort()).toEqual(ids);
  expect((await run("verify")).status).toBe(0);
}, 600_000);
