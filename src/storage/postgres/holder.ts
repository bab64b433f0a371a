/** How this process presents itself to one that finds its lock: command, pid, host and when it started. */
import { thisSystem } from "../system.js";

export function holderOfThisProcess(command: string): () => string {
  const started = new Date(performance.timeOrigin).toISOString();
  return () => `${command} (pid ${thisSystem.pid} on ${thisSystem.host()}, started ${started})`;
}
