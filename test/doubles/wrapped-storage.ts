/** A storage of which some calls are replaced, and which tells of every call as it begins. */
import type { Storage } from "../../src/storage/storage.js";

export interface Call {
  readonly name: string;
  readonly args: readonly unknown[];
}

type Calls = { readonly [Name in keyof Storage]?: Storage[Name] };

export function wrappedStorage(
  storage: Storage,
  calls: Calls,
  onCall: (call: Call) => void = () => undefined,
): Storage {
  return new Proxy(storage, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== "function") return value;
      const own: unknown = Reflect.get(calls, name);
      const call = (typeof own === "function" ? own : value.bind(target)) as (...args: unknown[]) => unknown;
      return (...args: unknown[]): unknown => {
        onCall({ name: String(name), args });
        return call(...args);
      };
    },
  });
}
