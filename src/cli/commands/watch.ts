/** `watch`: what other processes change, live. One conversation: its answer as it grows; all: a line for each change. */
import { DraftstateError } from "../../errors.js";
import type { Followed, FollowEvent } from "../../persistence/follow.js";
import { watchConversations } from "../../persistence/watching.js";
import type { CommandContext } from "../context.js";
import { INTERRUPTED } from "../exit-status.js";
import { resolveId } from "../resolve-id.js";
import { catchInterrupts } from "../terminal/interrupts.js";
import { toSafeLine } from "../terminal/safe-text.js";
import { AllPresenter, OneAsJson, OneAsText, type WatchPresenter } from "../watch-presenters.js";
import type { Register } from "./registration.js";

interface WatchCommandOptions {
  readonly untilComplete?: boolean;
}

/** Of all conversations: so many milliseconds of changes to one are one line. */
const LINE_GAP = 200;

/** The status an answer ended with; undefined while it has not. */
function endedWith(events: readonly FollowEvent[], streamedBefore: boolean): string | undefined {
  let streams = streamedBefore;
  for (const event of events) {
    if (event.kind !== "status") continue;
    if (streams && event.status !== "streaming") return event.status;
    streams = event.status === "streaming";
  }
  return undefined;
}

/** What nobody writes and is no answer in the making has ended before the watch began: waiting for it would be for ever. */
function overAlready(context: CommandContext, events: readonly FollowEvent[], current: Followed | undefined, resolve: (status: number) => void, reject: (error: unknown) => void): void {
  const problem = events.find((event) => event.kind === "problem");
  if (problem !== undefined) reject(problem.error);
  if (current === undefined || current.status === "streaming") return;
  context.output.message(context.output.errorStyle.dim(`the answer is ${current.status} already: there is nothing to wait for`));
  resolve(current.status === "complete" ? 0 : 1);
}

function presenterFor(context: CommandContext, id: string | undefined): WatchPresenter {
  if (id === undefined) return new AllPresenter(context);
  return context.json ? new OneAsJson(context) : new OneAsText(context);
}

/** Until Ctrl-C, until the reader of stdout leaves, or until the answer ends where that was asked for; the exit status. */
async function watch(context: CommandContext, id: string | undefined, options: WatchCommandOptions): Promise<number> {
  const manager = await context.reader();
  const presenter = presenterFor(context, id);
  const { promise, resolve, reject } = withResolvers();
  let streams = false;
  let looked = false;
  // Asked before the first look: a writer that comes between the two is seen by what it writes.
  const waits = options.untilComplete === true && id !== undefined;
  const mayGoOn = !waits || (await manager.storage.lockOwner(id)) !== undefined;
  const interrupts = catchInterrupts(() => { resolve(INTERRUPTED); });
  context.output.onClosed(() => { resolve(0); });
  const watcher = await watchConversations({
    storage: manager.storage,
    ...(id === undefined ? {} : { id }),
    gap: id === undefined ? LINE_GAP : 0,
    failed: reject,
    tell: (events, current, changed) => {
      presenter.show(events, current, changed);
      const status = endedWith(events, streams);
      streams = current?.status === "streaming";
      if (!looked && !mayGoOn) overAlready(context, events, current, resolve, reject);
      looked = true;
      if (options.untilComplete === true && status !== undefined) resolve(status === "complete" ? 0 : 1);
    },
  });
  if (id === undefined) context.output.message(context.output.errorStyle.dim(toSafeLine(`watching ${context.settings.stateDir}; Ctrl-C ends it`)));
  try {
    const status = await promise;
    return interrupts.status ?? status;
  } finally {
    await watcher.close();
    presenter.end();
    interrupts.release();
  }
}

function withResolvers(): { promise: Promise<number>; resolve: (status: number) => void; reject: (error: unknown) => void } {
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
    .summary("follow what other processes change, live")
    .description("Follow what other processes change, live. With an id: the text of the answer as it grows, from its beginning if one is streaming. Without one: a line for each change of any conversation. Ends with Ctrl-C.")
    .option("--until-complete", "end when the answer ends, at once if it has and nobody goes on; exits with 0 if it is complete, with 1 if it was cut off")
    .addHelpText("after", "\nExamples:\n  draftstate watch\n  draftstate watch @last\n  draftstate watch @last --until-complete && notify-send done\n  draftstate watch @last --json | jq -r 'select(.type == \"token\").text'")
    .action((wanted: string | undefined, options: WatchCommandOptions) =>
      run(async (context) => {
        if (wanted === undefined && options.untilComplete === true) throw new DraftstateError("USAGE", "--until-complete waits for one answer: say of which conversation, such as draftstate watch @last --until-complete");
        return watch(context, wanted === undefined ? undefined : await resolveId(await context.reader(), wanted), options);
      }),
    );
};
