import { basename, relative } from "node:path";
import type { Launch } from "./state-dir.ts";

/**
 * A launch as a person in `root` would have typed it: the variables that make this service what it is in front, without
 * those that `settings` has for all; words that a shell would take apart in quotes; passwords in URLs left out.
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

/** A terminal is shown around, and what is typed is kept in reports. */
function withoutPassword(value: string): string {
  return value.replace(/^([a-z]+:\/\/[^:/@]*:)[^@/]*@/, "$1…@");
}

function quote(word: string): string {
  return /^[\w./:=,@-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
