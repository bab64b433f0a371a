/**
 * Puts text into the person's clipboard: by the tool of their desktop, or by the terminal itself (OSC 52) where no tool is
 * there and where the terminal is on another machine.
 */
import { spawn } from "node:child_process";
import { environmentForPrograms } from "../program-environment.js";
import type { Environment, OutputStream } from "../../io.js";

export interface ClipboardPlace {
  readonly env: Environment;
  /** Of the terminal. */
  readonly terminal: Pick<OutputStream, "write">;
}

type Tool = readonly [program: string, ...args: string[]];

/** What did it; a terminal does not tell whether it obeyed. */
export async function copyText(text: string, { env, terminal }: ClipboardPlace): Promise<string> {
  for (const tool of toolsFor(env)) if (await feed(tool, text, env)) return tool[0];
  terminal.write(`\u001b]52;c;${Buffer.from(text).toString("base64")}\u0007`);
  return "the terminal (OSC 52), if it allows that";
}

function toolsFor(env: Environment): Tool[] {
  const has = (name: string): boolean => (env[name] ?? "") !== "";
  if (has("SSH_TTY") || has("SSH_CONNECTION")) return [];
  const x11: Tool[] = [
    ["xclip", "-selection", "clipboard"],
    ["xsel", "--input", "--clipboard"],
  ];
  return [
    ...(has("WAYLAND_DISPLAY") ? [["wl-copy"] as const] : []),
    ...(has("DISPLAY") ? x11 : []),
    ["pbcopy"],
    ["clip.exe"],
  ];
}

/** False if there is no such program, or it failed. */
function feed([program, ...args]: Tool, text: string, env: Environment): Promise<boolean> {
  return new Promise((resolve) => {
    const child = spawn(program, args, { stdio: ["pipe", "ignore", "ignore"], env: environmentForPrograms(env) });
    child.stdin.on("error", () => undefined);
    child.on("error", () => {
      resolve(false);
    });
    // Some keep running, to own the clipboard: their streams never close.
    child.on("exit", (status) => {
      resolve(status === 0);
    });
    child.stdin.end(text);
  });
}
