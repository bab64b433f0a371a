/** `watch`: changes made by other processes, live. One conversation: its answer as it grows; all: a line for each change. */
import { DraftstateError, isDraftstateError } from "../../../errors.js";
import type { Followed } from "../../../operations/watch/follow.js";
import { watchConversations } from "../../../operations/watch/watch.js";
import { assertConversationId } from "../../../store/names.js";
import { openConsole, type ChatConsole } from "../../chat/console.js";
import { note } from "../../chat/say.js";
import type { CommandContext } from "../../context.js";
import { INTERRUPTED } from "../../exit-status.js";
import { resolveId } from "../../arguments/resolve-id.js";
import { catchInterrupts } from "../../terminal/input/interrupts.js";
import { endedWith } from "./answer-end.js";
import { AllPresenter } from "./all.js";
import { AllOnScreen } from "./all-on-screen.js";
import { answersOn, PlainAnswers } from "./answers.js";
import { OneAsJson } from "./one-as-json.js";
import { OneAsText } from "./one-as-text.js";
import type { WatchPresenter } from "./presenter.js";
import type { Register } from "../registration.js";

interface WatchCommandOptions {
  readonly untilComplete?: boolean;
  readonly wait?: boolean;
}

/** Milliseconds of changes to one conversation that make one line. */
const LINE_GAP = 200;

async function presenterFor(
  context: CommandContext,
  id: string | undefined,
  console: ChatConsole | undefined,
): Promise<WatchPresenter> {
  if (id === undefined)
    return console?.drawsAnswers === true ? new AllOnScreen(context, console.screen) : new AllPresenter(context);
  if (context.json) return new OneAsJson(context);
  return new OneAsText(
    context,
    console?.drawsAnswers === true ? await answersOn(console.screen, context) : new PlainAnswers(context),
  );
}

/** Until Ctrl-C, until the reader of stdout leaves, or with --until-complete until the answer ends; the exit status. */
async function watch(context: CommandContext, id: string | undefined, options: WatchCommandOptions): Promise<number> {
  const manager = options.wait === true ? await context.manager() : await context.reader();
  const console = openConsole(context, undefined);
  const presenter = await presenterFor(context, id, console);
  const { promise, resolve, reject } = withResolvers();
  let streams: boolean | undefined;
  /** If a chat is open, its next answer is waited for; without a writer, none will come. */
  const endIfNobodyWrites = async (current: Followed): Promise<void> => {
    if ((await manager.storage.lockHolder(current.conversationId)) !== undefined) return;
    note(context, `no process is writing to ${current.conversationId}: there is no answer to wait for`);
    resolve(current.status === "complete" ? 0 : 1);
  };
  const interrupts = catchInterrupts(context.io.control, () => {
    resolve(INTERRUPTED);
  });
  context.output.onClosed(() => {
    resolve(0);
  });
  const watcher = await watchConversations({
    storage: manager.storage,
    ...(id === undefined ? {} : { id }),
    gap: id === undefined ? LINE_GAP : 0,
    failed: reject,
    tell: (events, current, changed) => {
      presenter.show(events, current, changed);
      const status = endedWith(events, streams === true);
      const isFirst = streams === undefined;
      streams = current?.status === "streaming";
      if (options.untilComplete === true && isFirst && !streams && current !== undefined)
        endIfNobodyWrites(current).catch(reject);
      if (options.untilComplete === true && status !== undefined) resolve(status === "complete" ? 0 : 1);
    },
  });
  if (id === undefined)
    note(context, `watching ${manager.storage.describe({ area: "state", name: "" })}; press Ctrl-C to stop`);
  try {
    const status = await promise;
    return interrupts.status ?? status;
  } finally {
    await watcher.close();
    presenter.end();
    interrupts.release();
    console?.close();
  }
}

async function idOf(wanted: string, { wait }: WatchCommandOptions, context: CommandContext): Promise<string> {
  if (wait !== true) return resolveId(await context.reader(), wanted);
  const manager = await context.manager();
  try {
    return await resolveId(manager, wanted);
  } catch (error) {
    if (wanted.startsWith("@") || !isDraftstateError(error, "NOT_FOUND")) throw error;
    assertConversationId(wanted);
    // A directory that is not there cannot be watched.
    await manager.storage.prepare();
    note(context, `waiting for conversation ${wanted} to begin; press Ctrl-C to stop`);
    return wanted;
  }
}

function withResolvers(): {
  promise: Promise<number>;
  resolve: (status: number) => void;
  reject: (error: unknown) => void;
} {
  let resolve: (status: number) => void = () => undefined;
  let reject: (error: unknown) => void = () => undefined;
  const promise = new Promise<number>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  return { promise, resolve, reject };
}

export const registerWatch: Register = (program, run) => {
  program
    .command("watch [id]")
    .summary("watch changes made by other processes, live")
    .description(
      "Watch changes made by other processes, live. With an id: print the answer as it grows, from its start if one is streaming. Without an id: print a line for each change of any conversation; on a terminal each conversation has one line that is kept current. Ctrl-C stops.",
    )
    .option("--wait", "wait for the conversation if it does not exist yet; needs its full id")
    .option("--until-complete", "exit when the answer ends: with 0 if it is complete, with 1 if it was cut off")
    .addHelpText(
      "after",
      "\nExamples:\n  draftstate watch\n  draftstate watch @last\n  draftstate watch @last --until-complete && notify-send done\n  draftstate watch @last --json | jq -r 'select(.type == \"token\").text'",
    )
    .action((wanted: string | undefined, options: WatchCommandOptions) =>
      run(async (context) => {
        if (wanted === undefined && options.untilComplete === true)
          throw new DraftstateError(
            "USAGE",
            "--until-complete needs a conversation, such as draftstate watch @last --until-complete",
          );
        if (wanted === undefined && options.wait === true)
          throw new DraftstateError(
            "USAGE",
            "--wait needs the id of a conversation, such as draftstate watch tale --wait",
          );
        return watch(context, wanted === undefined ? undefined : await idOf(wanted, options, context), options);
      }),
    );
};
