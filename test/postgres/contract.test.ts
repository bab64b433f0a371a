/** PostgreSQL keeps the storage contract, on a server of the tests' own. */
import { afterAll, beforeAll } from "vitest";
import { createPostgresStorage } from "../../src/storage/postgres/index.js";
import type { PostgresStorage } from "../../src/storage/postgres/index.js";
import { describeStorageContract, type StorageFixture } from "../contracts/storage-contract.js";
import { takeLockAway } from "./lose-lock.js";
import { PostgresServer } from "./server.js";

let server: PostgresServer;

beforeAll(() => {
  // What a crash of the machine does to the server is the server's own matter, and no matter of the contract's tests.
  server = PostgresServer.shared();
});
afterAll(() => server.stop());

async function onPostgres(): Promise<StorageFixture> {
  const schema = server.newSchema();
  const opened: PostgresStorage[] = [];
  const open = (): PostgresStorage => {
    const storage = createPostgresStorage({ connectionString: server.url(), schema, command: "test" });
    opened.push(storage);
    return storage;
  };
  const takers: (() => Promise<void>)[] = [];
  let left = 0;
  return {
    storage: open(),
    again: open,
    leases: false,
    loseLock: async (name) => void takers.push(await takeLockAway(server, schema, name)),
    leaveUnfinished: async (area, lockName) => {
      const place = `left ${(left += 1)} in ${area}`;
      await server.query(
        `with s as (insert into ${schema}.staged (op, blob, writer, place) values ($1, nextval('${schema}.blobs'), $2, $1) returning blob)
         insert into ${schema}.parts (blob, ends, at, bytes) select blob, 4, now(), 'half' from s`,
        [place, lockName],
      );
      return place;
    },
    dispose: async () => {
      for (const end of takers) await end();
      for (const storage of opened) await storage.close();
    },
  };
}

describeStorageContract("PostgreSQL", onPostgres);
