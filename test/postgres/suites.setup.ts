/** One server for all suites that run on it: `test/e2e/cli.ts` and `test/doubles/managers.ts` look for its address. */
import { PostgresServer } from "./server.js";

export default async function setup(): Promise<() => Promise<void>> {
  const server = await PostgresServer.start({ fsync: "off", max_connections: "1000" });
  process.env["TEST_POSTGRES_SERVER"] = server.url();
  return () => server.stop();
}
