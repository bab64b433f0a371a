/** What a session does after its changes are durable: where it fails nothing is lost, and a warning says so. */
import { reasonOf } from "../storage/storage-error.js";
import { warn, type Store } from "../store/store.js";

export async function housekeep(store: Store, id: string, what: string, act: () => Promise<void>): Promise<void> {
  try {
    await act();
  } catch (error) {
    warn(store, id, `${what} could not be written: ${reasonOf(error)}`, error);
  }
}
