/** The setting `storage` for a program that is told of a server; none for one that is not, which keeps its files. */
export async function storageFor(postgres) {
  if (postgres === undefined) return {};
  const { createPostgresStorage } = await import("../../../dist/postgres.js");
  return { storage: createPostgresStorage(postgres) };
}
