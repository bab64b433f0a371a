/** One server for all test files that do nothing to it but work in schemas of their own: starting one takes a second each. */
import { PostgresServer, SHARED_PORT } from "./server.js";

export default async function setup(): Promise<() => Promise<void>> {
  const server = await PostgresServer.start({ fsync: "off", max_connections: "400" });
  process.env[SHARED_PORT] = String(server.port);
  return () => server.stop();
}
