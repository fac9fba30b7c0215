import { expect, test } from "vitest";
import type { CommandContext } from "../command.ts";
import { watchBackplane } from "./watch-backplane.ts";

/** A room whose name clears a terminal, ends the line and goes on as another message. */
const line = String.raw`"pmessage","*","room:a\x1b[2J\x9b31m\n12:00:00.000  room b","offer"`;

test("a room's name cannot act on the terminal or forge a line", async () => {
  const interrupt = new AbortController();
  const engine = {
    services: async () => [{ id: "redis", state: "running" }],
    async *redisCli() {
      yield line;
      interrupt.abort();
    },
  };
  const said: string[] = [];
  const context = { stack: { engine }, print: (text: string) => said.push(text), signal: interrupt.signal };
  await watchBackplane.run(context as unknown as CommandContext, []);
  expect(said.length).toBe(2);
  expect(said[1]).toMatch(/^[\d:.]+ {2}\S.*a\\u001b\[2J\\u009b31m\\n12:00:00\.000 {2}room b +offer +5 bytes$/);
  expect(said[1]).toMatch(/^[\x20-\x7e]+$/);
});
