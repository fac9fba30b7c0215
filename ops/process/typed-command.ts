import { basename, relative } from "node:path";
import type { Launch } from "./state-dir.ts";

/**
 * A launch as a shell command for `root`. Its own variables come first; variables in `settings`, which all services
 * share, are left out. Words are quoted for the shell. Passwords in URLs are removed.
 */
export function typedCommand(
  { command, args, env }: Launch,
  root: string,
  settings: Readonly<Record<string, string>>,
): string {
  const variables = Object.entries(env).filter(([name, value]) => settings[name] !== value);
  const program = command.startsWith(root) ? basename(command) : command;
  const words = args.map((arg) => (arg.startsWith(`${root}/`) ? relative(root, arg) : arg));
  return [
    ...variables.map(([name, value]) => `${name}=${quote(withoutPassword(value))}`),
    program,
    ...words.map(quote),
  ].join(" ");
}

/** Terminals are shared and reports are kept, so they must not contain passwords. */
function withoutPassword(value: string): string {
  return value.replace(/^([a-z]+:\/\/[^:/@]*:)[^@/]*@/, "$1…@");
}

function quote(word: string): string {
  return /^[\w./:=,@-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
