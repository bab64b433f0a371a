/** The manager on this machine. */
import { env } from "node:process";
import { localEnvironment, type LocalStoreOptions } from "./create-store.js";
import { DraftStatePersistenceManager, type ManagerOptions } from "./manager.js";
import type { Logger } from "./metrics/event-log.js";
import { loadTelemetry } from "./metrics/telemetry.js";
import { findWholeFiles } from "./operations/verify/whole-files.js";

export interface CreateManagerOptions extends ManagerOptions, LocalStoreOptions {
  /** Takes one structured entry for each event, without message text. */
  logger?: Logger;
  /** Spans and metrics through `@opentelemetry/api`, where it is installed; true unless said. */
  telemetry?: boolean;
}

/** Throws `INVALID_CONFIG` for an unknown or wrong option. Touches no file until something is read or written. */
export function createDraftStatePersistenceManager(options: CreateManagerOptions = {}): DraftStatePersistenceManager {
  const { storage, command, logger, telemetry = true, ...settings } = options;
  return new DraftStatePersistenceManager(
    {
      ...localEnvironment(settings, { storage, ...(command === undefined ? {} : { command }) }),
      logger,
      post: async (url, body, signal) => {
        const [{ postJson }, { proxiesOf }] = await Promise.all([import("./http/post.js"), import("./http/policy.js")]);
        return postJson({ url, body, signal, proxies: proxiesOf(env) });
      },
      telemetry: telemetry ? loadTelemetry : undefined,
      findWholeFiles: storage === undefined ? findWholeFiles : undefined,
    },
    settings,
  );
}
