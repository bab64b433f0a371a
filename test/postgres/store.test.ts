/** The store for LangGraph on PostgreSQL. */
import { afterAll, beforeAll } from "vitest";
import type { PostgresStorage } from "../../src/storage/postgres/index.js";
import { storeContract } from "../contracts/store-contract.js";
import { PostgresServer } from "./server.js";

let server: PostgresServer;
const opened: PostgresStorage[] = [];

beforeAll(() => {
  server = PostgresServer.shared();
});
afterAll(async () => {
  for (const storage of opened) await storage.close();
  await server.stop();
});

storeContract("on PostgreSQL", () => {
  const storage = server.storage({ schema: server.newSchema() });
  opened.push(storage);
  return Promise.resolve({ storage });
});
