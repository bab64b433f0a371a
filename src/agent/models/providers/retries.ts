/** What may be tried again, for a package's own client: not what is refused as it is, nor what the policy refused. */
import { messageOf } from "../../../errors.js";
import { policyErrorIn } from "../../../http/policy.js";
import type { RequestWatch } from "../request-progress.js";
import { statusOf } from "./failure.js";

const MAY_PASS = [408, 409, 425, 429];

/** Throws what is not tried again. */
export function retryJudge(watch: RequestWatch): (error: unknown) => void {
  return (error) => {
    const refused = watch.refused ?? policyErrorIn(error);
    if (refused !== undefined) throw refused;
    const status = statusOf(error);
    const isRefusal = status !== undefined && status >= 400 && status < 500 && !MAY_PASS.includes(status);
    if (isRefusal || isStop(error)) throw error;
    watch.mayTryAgain();
  };
}

function isStop(error: unknown): boolean {
  const name: unknown = typeof error === "object" && error !== null ? Reflect.get(error, "name") : undefined;
  return name === "AbortError" || name === "APIUserAbortError" || /^(Cancel|AbortError)/.test(messageOf(error));
}
