/**
 * A storage or a file system with something in front of each call: a scheduler that parks it, a fault, a death. The
 * wrapper knows no method by name beyond what it must, so that it survives changes of the contract.
 */
import type { FileSystem } from "../../src/storage/file-system.js";
import type { Storage } from "../../src/storage/storage.js";

/** Waited for before the call is made; a rejection is the call's own. `call` is for messages. */
export type Before = (method: string, call: string) => Promise<void> | void;

type Method = (...args: unknown[]) => unknown;

/** Methods that give their answer at once. */
const SYNCHRONOUS = new Set(["describe", "pathOf"]);

/** The lock that the wrapped storage knows, by the one that its user holds. */
const realLocks = new WeakMap<object, object>();

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

function shown(argument: unknown): string {
  if (typeof argument === "string") return argument.replace("/.draftstate/", "/~/");
  if (isObject(argument) && typeof argument["area"] === "string" && typeof argument["name"] === "string")
    return `${argument["area"]}/${argument["name"]}`;
  return "";
}

function callOf(method: string, args: readonly unknown[]): string {
  return [method, ...args.map(shown).filter((text) => text !== "")].join(" ");
}

function inFrontOf<T extends object>(
  target: T,
  prefix: string,
  before: Before,
  result: (method: string, value: unknown, args: readonly unknown[]) => unknown,
): T {
  return new Proxy(target, {
    get(inner, name) {
      const value: unknown = Reflect.get(inner, name, inner);
      if (typeof value !== "function") return value;
      const method = value as Method;
      if (typeof name !== "string" || SYNCHRONOUS.has(name)) return method.bind(inner);
      return async (...args: unknown[]): Promise<unknown> => {
        await before(name, callOf(prefix === "" ? name : `${prefix}.${name}`, args));
        const known = args.map((argument) => (isObject(argument) ? (realLocks.get(argument) ?? argument) : argument));
        return result(name, await method.apply(inner, known), args);
      };
    },
  });
}

const asItIs = (_method: string, value: unknown): unknown => value;

/** Locks and logs that it gives out have it in front of their calls too. */
export function interposedStorage(storage: Storage, before: Before): Storage {
  return inFrontOf(storage, "", before, (method, value, args) => {
    if (method === "createLog" && isObject(value)) return inFrontOf(value, `log ${shown(args[0])}`, before, asItIs);
    if (method === "tryLock" && isObject(value) && isObject(value["lock"])) {
      const lock = inFrontOf(value["lock"], `lock ${shown(args[0])}`, before, asItIs);
      realLocks.set(lock, value["lock"]);
      return { ...value, lock };
    }
    return value;
  });
}

export function interposedFileSystem(fs: FileSystem, before: Before): FileSystem {
  return inFrontOf(fs, "", before, (method, value, args) =>
    (method === "openForReading" || method === "createFile") && isObject(value)
      ? inFrontOf(value, `file ${shown(args[0])}`, before, asItIs)
      : value,
  );
}
