/** Every slash command, in the order in which /help lists them. */
import { continueAnswer } from "./continue.js";
import { copy } from "./copy.js";
import { diff } from "./diff.js";
import { edit } from "./edit.js";
import { exit } from "./exit.js";
import { fork } from "./fork.js";
import { helpOn } from "./help.js";
import { ls } from "./ls.js";
import { model } from "./model.js";
import { startNew } from "./new.js";
import { redo } from "./redo.js";
import { restore } from "./restore.js";
import { resume } from "./resume.js";
import { retry } from "./retry.js";
import { save } from "./save.js";
import { search } from "./search.js";
import type { SlashCommand } from "./slash-command.js";
import { system } from "./system.js";
import { title } from "./title.js";
import { tools } from "./tools.js";
import { undo } from "./undo.js";

export const SLASH_COMMANDS: readonly SlashCommand[] = [
  helpOn(() => SLASH_COMMANDS),
  undo,
  redo,
  retry,
  continueAnswer,
  edit,
  copy,
  diff,
  restore,
  save,
  fork,
  startNew,
  resume,
  ls,
  search,
  model,
  system,
  title,
  tools,
  exit,
];
