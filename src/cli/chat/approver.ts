/**
 * Decides on the calls of a chat: what flags or the person allowed runs; otherwise the person is asked, call by call, and where
 * nobody can be asked nothing runs.
 */
import { DraftstateError, messageOf } from "../../errors.js";
import { RESULT_LOST, RESULT_UNKNOWN } from "../../model/tool-calls.js";
import type { InputStream } from "../io.js";
import { userDirectory } from "../settings/user-directory.js";
import { toSafeLine } from "../terminal/text/safe-text.js";
import { callLines, wholeCall } from "../tools/call-text.js";
import { chosen, lettersOf, type Choices } from "./choices.js";
import type { Approve, CallDecision, CallRequest, TurnContext } from "./session-types.js";
import { note, say } from "./say.js";
import { toolPath } from "../tools/tool-path.js";

/** Leaves the terminal to a question. */
export type WhileAsking = <T>(ask: () => Promise<T>) => Promise<T>;

const COLUMNS = 100;

export function approverFor(turn: TurnContext, whileAsking: WhileAsking): Approve {
  const approver = new Approver(turn, whileAsking);
  return (request) => approver.decide(request);
}

type Answer = "run" | "always" | "refuse" | "view" | "stop" | "repeat" | "error";

const FRESH: Choices<Answer> = { yes: "run", no: "refuse", always: "always", view: "view", stop: "stop" };
const BEGUN: Choices<Answer> = { repeat: "repeat", error: "error", view: "view", stop: "stop" };

const FRESH_QUESTION = "run it? yes, no, always in this conversation, view all, stop (y/n/a/v/s) ";
const BEGUN_QUESTION = "repeat it, tell the model of the error, view all, stop? (r/e/v/s) ";

class Approver {
  constructor(
    private readonly turn: TurnContext,
    private readonly whileAsking: WhileAsking,
  ) {}

  async decide(request: CallRequest): Promise<CallDecision> {
    const { tools } = this.turn;
    const isBegun = request.startedAt !== undefined;
    if (isBegun && tools?.lostCalls === "error") return { refuse: lostText(request) };
    if ((!isBegun || tools?.lostCalls === "repeat") && (await this.#isAllowed(request))) return "run";
    const input = this.#person();
    if (input === undefined) throw this.#refusal(request);
    return this.whileAsking(() => this.#ask(request, input));
  }

  #pathOf({ name }: CallRequest): string {
    return toolPath(this.turn.tools, name);
  }

  async #isAllowed(request: CallRequest): Promise<boolean> {
    const { tools, allowedHere } = this.turn;
    if (tools?.allowed.some(({ name }) => name === request.name) === true) return true;
    const allowed = this.#allowance(request);
    if (allowedHere.has(JSON.stringify(allowed))) return true;
    const { isAllowed } = await import("../tools/allowed-record.js");
    return isAllowed(this.#directory(), allowed);
  }

  async #allowAlways(request: CallRequest): Promise<void> {
    const allowed = this.#allowance(request);
    this.turn.allowedHere.add(JSON.stringify(allowed));
    if (!this.turn.isSaved) return;
    const { allow } = await import("../tools/allowed-record.js");
    // It is allowed in this process: a directory that cannot be written is no reason to end the turn.
    await allow(this.#directory(), allowed).catch((error: unknown) => {
      const { output } = this.turn.context;
      output.warning(
        `that is allowed until the chat ends, and asked again in the next: ${toSafeLine(messageOf(error))}`,
      );
    });
  }

  #allowance(request: CallRequest) {
    const { conversation, store } = this.turn;
    const { createdAt } = conversation.info;
    return { store, conversationId: conversation.id, createdAt, tool: this.#pathOf(request) };
  }

  #directory(): string {
    const { env, io } = this.turn.context;
    return userDirectory(env, io.home);
  }

  /** Where a person answers; undefined if there is nobody. */
  #person(): InputStream | undefined {
    const { context, input } = this.turn;
    if (input === undefined) return context.mayAsk({}) ? context.input : undefined;
    return input.isTTY === true && context.output.errorIsTerminal && !context.json ? input : undefined;
  }

  #refusal(request: CallRequest): DraftstateError {
    const path = shellWord(this.#pathOf(request));
    const resume = this.turn.isSaved ? "; its turn waits" : "";
    if (request.startedAt !== undefined && this.turn.tools?.lostCalls === "repeat")
      return new DraftstateError(
        "USAGE",
        `a call of ${path} ${mayBeMade(request)}, and is to be made again: allow that with --allow-tool ${path} beside --lost-calls repeat${resume}`,
      );
    if (request.startedAt !== undefined)
      return new DraftstateError(
        "USAGE",
        `a call of ${path} ${mayBeMade(request)}, and its result is not known: say with --lost-calls error that the model is told so, or with --lost-calls repeat that it is made again${resume}`,
      );
    return new DraftstateError(
      "USAGE",
      `the model asks for ${path}, and nobody is here to allow it: allow it with --allow-tool ${path}, or all with --yes-tools${resume}`,
    );
  }

  async #ask(request: CallRequest, input: InputStream): Promise<CallDecision> {
    const { context, console } = this.turn;
    const isBegun = request.startedAt !== undefined;
    const columns = console?.screen.columns ?? context.output.width ?? COLUMNS;
    for (const line of callLines(this.#pathOf(request), request.args, columns).lines) say(context, line);
    if (isBegun) note(context, whatIsKnown(request));
    if (console?.keyboard === undefined) await this.#dropTypedAhead(input);
    const restore = console?.keyboard?.setAside();
    try {
      return await this.#answers(request, input, isBegun ? [BEGUN_QUESTION, BEGUN] : [FRESH_QUESTION, FRESH]);
    } finally {
      restore?.();
    }
  }

  /** It would decide on a call that nobody has seen. */
  async #dropTypedAhead(input: InputStream): Promise<void> {
    const { takeTypedAhead } = await import("../terminal/input/typed-ahead.js");
    const typed = (await takeTypedAhead(input)).trim();
    if (typed !== "") note(this.turn.context, `typed before the question, so no answer to it: ${toSafeLine(typed)}`);
  }

  async #answers(
    request: CallRequest,
    input: InputStream,
    [question, choices]: readonly [string, Choices<Answer>],
  ): Promise<CallDecision> {
    const { context } = this.turn;
    for (;;) {
      const text = await this.#read(input, question);
      if (text === undefined) return "stop";
      const reason = choices === FRESH ? reasonIn(text) : undefined;
      if (reason !== undefined) return refusedFor(reason);
      const answer = chosen(choices, text);
      if (answer === "view") for (const line of wholeCall(request.args)) say(context, line);
      else if (answer === undefined) note(context, `answer with one of ${lettersOf(choices)}, and Enter`);
      else return this.#decisionOf(answer, request, input);
    }
  }

  async #decisionOf(answer: Exclude<Answer, "view">, request: CallRequest, input: InputStream): Promise<CallDecision> {
    if (answer === "stop") return "stop";
    if (answer === "error") return { refuse: lostText(request) };
    if (answer === "always") await this.#allowAlways(request);
    if (answer !== "refuse") return "run";
    const reason = await this.#read(input, "why not? for the model; empty for no reason ");
    if (reason === undefined) return "stop";
    return refusedFor(reason);
  }

  async #read(input: InputStream, question: string): Promise<string | undefined> {
    const { context, console } = this.turn;
    const { askAt } = await import("./ask.js");
    return askAt({ context, console, input }, question);
  }
}

/** Of a no with its reason on one line. */
function reasonIn(text: string): string | undefined {
  return /^(?:n|no)[\s,:]+(\S.*)$/is.exec(text)?.[1];
}

function refusedFor(reason: string): CallDecision {
  return { refuse: reason === "" ? "The user refused this call." : `The user refused this call: ${reason}` };
}

function lostText({ isElsewhere }: CallRequest): string {
  return isElsewhere ? RESULT_UNKNOWN : RESULT_LOST;
}

function mayBeMade({ isElsewhere }: CallRequest): string {
  return isElsewhere ? "may have been made" : "was begun";
}

function whatIsKnown({ startedAt = "", isElsewhere }: CallRequest): string {
  return isElsewhere
    ? `asked for at ${startedAt}, before this conversation was restored, forked, copied, imported or recovered: it may have been made there`
    : `begun at ${startedAt}, and its result is not known: it may have taken effect`;
}

/** As it can be typed into a shell. */
function shellWord(text: string): string {
  const safe = toSafeLine(text);
  return /^[\w./@:-]+$/.test(safe) ? safe : `'${safe.replaceAll("'", "'\\''")}'`;
}
