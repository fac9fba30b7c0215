import { createHash, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { AdminError } from "../../common/admin-access.ts";
import { unseal } from "../../common/seal.ts";
import type { Config } from "./config.ts";
import { getJson, NoAnswer } from "./poll/get-json.ts";
import type { Polls } from "./poll/polls.ts";
import type { Snapshot } from "./snapshot.ts";
import { otherBoards } from "./stacks.ts";

/** Time-out of another stack's board, ms. */
const silentMs = 1_500;

/** One stack in the trainer's view: the public state and the hidden fault of a game day. */
export interface TrainerRow {
  stack: string;
  /** Address of the stack's board. */
  url: string;
  snapshot: Snapshot | null;
  games: { since: number; phase: string; truth: string }[];
  problem: string;
}

/** The trainer's view of this stack and all others of the host. It requires the token. */
export function createTrainer(config: Config, polls: Polls, snapshot: () => Snapshot | null) {
  const digest = (text: string) => createHash("sha256").update(text).digest();

  function authorize(request: IncomingMessage): string {
    const token = config.TRAINER_TOKEN;
    if (token === undefined) throw new AdminError(404, "this board has no TRAINER_TOKEN");
    const given = /^Bearer +(\S+) *$/i.exec(request.headers.authorization ?? "")?.[1] ?? "";
    if (!timingSafeEqual(digest(given), digest(token)))
      throw new AdminError(401, "send Authorization: Bearer with the TRAINER_TOKEN (.secrets/TRAINER_TOKEN)");
    return token;
  }

  function own(token: string): TrainerRow {
    const drills = polls.caller?.seen.failing === null ? (polls.caller.seen.last?.drills ?? []) : [];
    return {
      stack: config.BOARD_STACK,
      url: "",
      snapshot: snapshot(),
      games: drills
        .filter(({ sealed }) => sealed !== undefined)
        .map(({ since, phase, sealed }) => ({ since, phase, truth: opened(sealed ?? "", token) })),
      problem: "",
    };
  }

  async function other(stack: string, url: string, token: string): Promise<TrainerRow> {
    try {
      const [row] = await getJson<TrainerRow[]>(`${url}/api/trainer?alone=1`, silentMs, {
        authorization: `Bearer ${token}`,
      });
      if (row !== undefined) return { ...row, url };
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error;
      return {
        stack,
        url,
        snapshot: null,
        games: [],
        problem: error.cause === "status" ? "another token" : "no board answers",
      };
    }
    return { stack, url, snapshot: null, games: [], problem: "no board answers" };
  }

  return {
    /** @throws AdminError 401, or 404 if the board has no token */
    async view(request: IncomingMessage, alone: boolean): Promise<TrainerRow[]> {
      const token = authorize(request);
      const others = alone ? [] : otherBoards(config);
      return [own(token), ...(await Promise.all(others.map(({ id, url }) => other(id, url, token))))];
    },
  };
}

export type Trainer = ReturnType<typeof createTrainer>;

function opened(sealed: string, token: string): string {
  try {
    return unseal(sealed, token);
  } catch {
    return "encrypted with another token";
  }
}
