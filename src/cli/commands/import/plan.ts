/**
 * What an import would do, before it does any of it: every source is read and checked once, each conversation gets its id,
 * and all that cannot be read is named. Holds a line for each conversation, and none of their content.
 */
import { DraftstateError, isDraftstateError, messageOf } from "../../../errors.js";
import type {
  Aside,
  Fault,
  ImportedConversation,
  ImportOptions,
  SourceFormat,
} from "../../../formats/import/imported.js";
import { messagesOf, titleOf } from "../../../model/conversation.js";
import { assertConversationId } from "../../../store/names.js";
import { readItems } from "./read.js";
import { STDIN, type Source } from "./sources.js";

export interface PlannedImport {
  readonly id: string;
  readonly exists: boolean;
  readonly source: Source;
  /** Among the conversations of its source, from 0. */
  readonly position: number;
  readonly format: SourceFormat;
  readonly place: string;
  readonly title: string;
  readonly messageCount: number;
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly backups: number;
  /** As `ls` counts them afterwards: the present is a backup too. */
  readonly backupCount: number;
  readonly aside: readonly Aside[];
}

export interface FileFault extends Fault {
  readonly file: string;
}

export interface Plan {
  readonly conversations: readonly PlannedImport[];
  readonly faults: readonly FileFault[];
  /** Sources of a directory or archive that hold no conversation. */
  readonly others: number;
}

export interface PlanRequest {
  readonly sources: readonly Source[];
  readonly options: ImportOptions;
  /** For the one conversation there is. */
  readonly id: string | undefined;
  readonly ids: readonly string[];
  readonly onProgress: (done: number, total: number) => void;
}

export async function planImport(request: PlanRequest): Promise<Plan> {
  if (request.id !== undefined) assertConversationId(request.id);
  const { IdChooser } = await import("../../../formats/import/ids.js");
  const planner = new Planner(request, new IdChooser());
  for (const source of request.sources) await planner.read(source);
  planner.assertOne();
  const { conversations, faults, others } = planner;
  return { conversations, faults, others };
}

class Planner implements Plan {
  readonly conversations: PlannedImport[] = [];
  readonly faults: FileFault[] = [];
  others = 0;
  readonly #taken: ReadonlySet<string>;
  readonly #total: number;
  #done = 0;

  constructor(
    private readonly request: PlanRequest,
    private readonly chooser: { choose(name: string | undefined, fallback: string): string },
  ) {
    this.#taken = new Set(request.ids.map((id) => id.toLowerCase()));
    this.#total = request.sources.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  }

  async read(source: Source): Promise<void> {
    const { options, onProgress } = this.request;
    try {
      let position = 0;
      const told = (bytes: number): void => {
        onProgress(this.#done + bytes, this.#total);
      };
      for await (const item of readItems(source, options, told)) {
        if (item.kind === "fault") this.faults.push({ file: source.label, ...item.fault });
        else {
          this.#add(source, position, item.format, item.conversation);
          position += 1;
        }
      }
    } catch (error) {
      this.#refused(source, error);
    }
    this.#done += source.sizeBytes;
  }

  /** `--id` is for one conversation. */
  assertOne(): void {
    const { id, sources } = this.request;
    if (id === undefined || this.conversations.length <= 1) return;
    const what = sources.length === 1 ? `${sources[0]?.label ?? ""} holds` : "these files hold";
    throw new DraftstateError(
      "USAGE",
      `${what} ${this.conversations.length} conversations: --id is for one; without it each gets an id of its own`,
    );
  }

  #add(source: Source, position: number, format: SourceFormat, conversation: ImportedConversation): void {
    const { version, points, place, name, updatedAt, aside } = conversation;
    const id = this.request.id ?? this.chooser.choose(name, source.fallbackName);
    const hasPresent = points.at(-1)?.version.revision === version.revision;
    this.conversations.push({
      id,
      exists: this.#taken.has(id.toLowerCase()),
      source,
      position,
      format,
      place,
      title: titleOf(version),
      messageCount: messagesOf(version.state).length,
      createdAt: version.info.createdAt,
      updatedAt,
      backups: points.length,
      backupCount: points.length + (hasPresent ? 0 : 1),
      aside,
    });
  }

  /** One file that cannot be read is an error; one of several is named, and keeps no other out. */
  #refused(source: Source, error: unknown): void {
    if (!isDraftstateError(error)) throw error;
    if (source.isFound && isUnknown(error)) this.others += 1;
    else if (this.request.sources.length > 1 && isDraftstateError(error, "CORRUPT"))
      this.faults.push({ file: source.label, place: error.path ?? "", found: foundOf(error) });
    else {
      const given = source.label === STDIN ? "-" : source.label;
      throw new DraftstateError(error.code, `${source.label}: ${messageOf(error)}; nothing was imported`, {
        path: error.path === undefined || error.path === "" ? given : `${given}: ${error.path}`,
        cause: error,
      });
    }
  }
}

function isUnknown(error: DraftstateError): boolean {
  return error.name === "UnknownFormatError";
}

function foundOf({ path, message }: DraftstateError): string {
  return message.replace(path === undefined || path === "" ? "it " : `${path} `, "");
}
