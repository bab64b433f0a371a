/**
 * LangChain's own serializer behind a list of classes: nothing else that a file names is ever constructed. What could not be
 * read back for that reason is refused before it is stored.
 */
import { JsonPlusSerializer } from "@langchain/langgraph-checkpoint";
import { DraftstateError } from "../errors.js";

/** A class as LangChain names it: its module and itself. */
export type ClassName = readonly string[];

const MESSAGE = /^[A-Z][A-Za-z]*Message(Chunk)?$/;
const PROMPT_VALUES: ReadonlySet<string> = new Set(["StringPromptValue", "ChatPromptValue", "ImagePromptValue"]);

function isKnown([root, module, name, ...rest]: ClassName): boolean {
  if (root !== "langchain_core" || name === undefined || rest.length > 0) return false;
  if (module === "messages") return MESSAGE.test(name);
  if (module === "documents") return name === "Document";
  return module === "prompt_values" && PROMPT_VALUES.has(name);
}

export class DraftstateSerializer extends JsonPlusSerializer {
  readonly #allowed: ReadonlySet<string>;

  /** `allow`: further classes, such as `["langchain_core", "prompts", "ChatPromptTemplate"]`. */
  constructor(allow: readonly ClassName[] = []) {
    super();
    this.#allowed = new Set(allow.map((name) => name.join("/")));
  }

  /** Throws `INVALID_STATE` for an object of a class that is not allowed. */
  override async dumpsTyped(value: unknown): Promise<[string, Uint8Array]> {
    if (isPrimitive(value)) return ["json", Buffer.from(JSON.stringify(value), "utf8")];
    const [type, bytes] = await super.dumpsTyped(value);
    const refused = type === "json" ? this.#refused(bytes) : undefined;
    if (refused === undefined) return [type, bytes];
    throw new DraftstateError(
      "INVALID_STATE",
      `the state holds ${refused}, which would not be read back; nothing was saved: keep plain data instead, or name the class in "allow"`,
    );
  }

  /** Throws `CORRUPT` for an object of a class that is not allowed: nothing is constructed then. */
  override async loadsTyped(type: string, data: Uint8Array | string): Promise<unknown> {
    if (type !== "json") return (await super.loadsTyped(type, data)) as unknown;
    // Nothing is to be constructed of it: plain data, which the base would copy field by field.
    if (isText(data) || !mayNameClasses(data)) return JSON.parse(textOf(data)) as unknown;
    const refused = this.#refused(data);
    if (refused === undefined) return (await super.loadsTyped(type, data)) as unknown;
    throw new DraftstateError(
      "CORRUPT",
      `the file names ${refused}, which is not constructed: name the class in "allow" if it is yours`,
    );
  }

  #refused(data: Uint8Array | string): string | undefined {
    if (!mayNameClasses(data)) return undefined;
    return firstRefused(JSON.parse(textOf(data)), (name) => isKnown(name) || this.#allowed.has(name.join("/")));
  }
}

function isPrimitive(value: unknown): boolean {
  return value === null || typeof value === "string" || typeof value === "number" || typeof value === "boolean";
}

const QUOTE = 0x22;

/** A text alone, however long. */
function isText(json: Uint8Array | string): boolean {
  return typeof json === "string" ? json.startsWith('"') : json[0] === QUOTE;
}

/** A key may be spelled by escapes. */
function mayNameClasses(json: Uint8Array | string): boolean {
  const text = typeof json === "string" ? json : bufferOf(json);
  return text.includes('"lc"') || text.includes('"__proto__"') || text.includes("\\u");
}

function textOf(json: Uint8Array | string): string {
  return typeof json === "string" ? json : bufferOf(json).toString("utf8");
}

function bufferOf({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}

function firstRefused(root: unknown, isAllowed: (name: ClassName) => boolean): string | undefined {
  const waiting: unknown[] = [root];
  while (waiting.length > 0) {
    const node = waiting.pop();
    if (typeof node !== "object" || node === null) continue;
    if (Object.hasOwn(node, "__proto__")) return "a field __proto__";
    const { lc, type, id } = node as { readonly lc?: unknown; readonly type?: unknown; readonly id?: unknown };
    if (lc === 1 && type === "constructor" && Array.isArray(id) && !isAllowed(id.map(String)))
      return `an object of the class ${JSON.stringify(id).slice(0, 200)}`;
    for (const child of Object.values(node)) waiting.push(child);
  }
  return undefined;
}
