/** Makes changes on a PostgreSQL server's store and ends: `mirror.ts` waits for it where a test starts a process and cannot wait. From stdin. */
import { text } from "node:stream/consumers";
import { createPostgresStorage } from "../../dist/postgres.js";

const { connectionString, schema, changes } = JSON.parse(await text(process.stdin));
const storage = createPostgresStorage({ connectionString, schema, command: "test" });
for (const { key, content } of changes) {
  if (content === null) await storage.remove(key);
  else await storage.replace(key, Buffer.from(content, "base64"));
}
await storage.close();
