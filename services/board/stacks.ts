import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Config } from "./config.ts";

/** Default port of a board, before the stack's PORT_BASE is added. */
const defaultPort = 9120;

/** The boards of this host's other stacks: the configured ones, and those whose state is beside this stack's. */
export function otherBoards(config: Config): { id: string; url: string }[] {
  const dir = config.BOARD_STACKS_DIR;
  const names = dir !== undefined && existsSync(dir) ? readdirSync(dir).sort() : [];
  const found = names.flatMap((id) => {
    const port = id === config.BOARD_STACK || dir === undefined ? undefined : boardPort(join(dir, id));
    return port === undefined ? [] : [{ id, url: `http://127.0.0.1:${port}` }];
  });
  return [...config.BOARD_STACKS, ...found];
}

/** The port of a stack's board, from its state; undefined if the stack is down. */
function boardPort(dir: string): number | undefined {
  const [up, stack] = [join(dir, "up.env"), join(dir, "stack.json")];
  if (existsSync(stack)) {
    const { portBase, settings } = JSON.parse(readFileSync(stack, "utf8")) as {
      portBase: number;
      settings: Record<string, string>;
    };
    return Number(settings["BOARD_PORT"] ?? defaultPort + portBase);
  }
  if (!existsSync(up)) return undefined;
  const value = (name: string) => new RegExp(`^${name}=(\\d+)$`, "m").exec(readFileSync(up, "utf8"))?.[1];
  return Number(value("BOARD_PORT") ?? defaultPort + Number(value("PORT_BASE") ?? 0));
}
