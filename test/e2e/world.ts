/** `test` with what an end-to-end promise needs: a directory with the CLI, and servers; each test has its own, and they end with it. */
import type { LLMock } from "@copilotkit/aimock";
import { test as base } from "vitest";
import { Workspace } from "./cli.js";
import { ScriptedServer, startMock, type Script } from "./servers.js";

export interface World {
  readonly workspace: Workspace;
  readonly mock: LLMock;
  /** Starts a server that answers by these scripts, one request each, the last for all that follow. */
  readonly serve: (...scripts: readonly [Script, ...Script[]]) => Promise<ScriptedServer>;
}

export const TIMEOUT = { timeout: 120_000 };

/** `create` makes the directory with what runs commands in it. */
export function testIn(create: () => Promise<Workspace>) {
  return base.extend<World>({
    workspace: async ({}, use) => {
      const workspace = await create();
      await use(workspace);
      await workspace.remove();
    },
    mock: async ({}, use) => {
      const mock = await startMock();
      await use(mock);
      await mock.stop();
    },
    serve: async ({}, use) => {
      const servers: ScriptedServer[] = [];
      await use(async (...scripts) => {
        const server = await ScriptedServer.start(...scripts);
        servers.push(server);
        return server;
      });
      await Promise.all(servers.map((server) => server.stop()));
    },
  });
}

export const test = testIn(() => Workspace.create());
