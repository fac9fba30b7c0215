import { z } from "zod";
import { list, milliseconds, port, programVariables, secret } from "../../common/config.ts";

const { LOG_LEVEL, GRACE_MS } = programVariables;

/** `id=http://host:port` pairs, comma-separated. */
const named = () =>
  list().transform((entries, context) =>
    entries.flatMap((entry) => {
      const [, id, url] = /^([a-z0-9][a-z0-9_-]*)=(https?:\/\/[^\s/]+)\/?$/.exec(entry) ?? [];
      if (id !== undefined && url !== undefined) return [{ id, url }];
      context.addIssue({ code: "custom", message: `${entry} is not id=http://host:port` });
      return [];
    }),
  );

/** The board's variables. */
export const schema = z.object({
  LOG_LEVEL,
  GRACE_MS,
  BOARD_HOST: z.string().default("127.0.0.1").describe("Address that the board binds; 0.0.0.0 in a container"),
  BOARD_PORT: port().default(9120).describe("Port of the board"),
  BOARD_HOSTNAMES: list()
    .prefault("")
    .describe("Names besides localhost and addresses of loopback that a Host header may carry"),
  BOARD_TARGETS: named()
    .prefault("")
    .describe("Polled admin endpoints, and prometheus: id=http://host:port, comma-separated"),
  BOARD_POLL_MS: milliseconds(100, 10_000).default(250).describe("Pause between two polls of each admin endpoint"),
  BOARD_STACK: z.string().default("hold-the-line").describe("Name of the stack that the board shows"),
  BOARD_PAGE_DIR: z.string().default("services/board/page/dist").describe("Folder of the built board"),
  BOARD_REPORTS_DIR: z.string().default("reports").describe("Folder of the drills' reports"),
  BOARD_STACKS_DIR: z
    .string()
    .optional()
    .describe("Folder of the stacks' state on this host, for the trainer's view of all stacks; unset: only this stack"),
  BOARD_STACKS: named().prefault("").describe("Boards of other stacks, for the trainer's view: name=http://host:port"),
  TRAINER_TOKEN: secret(z.string().min(16, "must have 16 characters or more").optional()).describe(
    "Encrypts the hidden fault of a game day and opens the trainer's view; make up creates one",
  ),
});

export type Config = z.output<typeof schema>;
