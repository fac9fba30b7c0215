import type { Fault } from "./faults.ts";

/** Words that trainees use for each fault. */
const faultWords: Readonly<Record<Fault["action"], readonly string[]>> = {
  kill: ["kill", "killed", "dead", "died", "crash", "crashed", "sigkill", "stopped", "gone", "ended", "exited"],
  pause: [
    "pause",
    "paused",
    "freeze",
    "frozen",
    "froze",
    "hang",
    "hangs",
    "hung",
    "stuck",
    "stall",
    "stalled",
    "sigstop",
    "suspended",
  ],
  partition: ["partition", "partitioned", "cut", "isolated", "isolate", "split", "netsplit", "severed", "unplugged"],
  slow: ["slow", "slowed", "slowness", "latency", "delay", "delayed", "lag", "lagging", "sluggish"],
};
const backplaneWords = ["redis", "backplane", "pubsub"];

/** The component and the fault that an answer names. `several` means more than one of a kind. */
export interface Named {
  target: string | null;
  action: Fault["action"] | null;
  several: boolean;
}

/**
 * Parses an answer with its words in any order: `kill redis`, `redis is dead`, `kill-node NODE=2`, `replica 2 was cut
 * off`. A number names a replica, in any spelling.
 */
export function readAnswer(text: string): Named {
  const words: string[] = text.toLowerCase().match(/[a-z]+|\d+/g) ?? [];
  const actions = Object.entries(faultWords).filter(([, synonyms]) => synonyms.some((word) => words.includes(word)));
  const replicas = [...new Set(words.filter((word) => /^[1-9]$/.test(word)).map((word) => `signaling-${word}`))];
  const targets = [
    ...replicas,
    ...(words.some((word) => backplaneWords.includes(word)) ? ["redis"] : []),
    ...(words.includes("proxy") ? ["proxy"] : []),
  ];
  // "signaling-2 is cut off from redis" names one component.
  const cut = actions.some(([action]) => action === "partition") && words.includes("from");
  const named = cut && replicas.length === 1 ? replicas : targets;
  return {
    target: named.length === 1 ? (named[0] ?? null) : null,
    action: actions.length === 1 ? (actions[0]?.[0] as Fault["action"]) : null,
    several: named.length > 1 || actions.length > 1,
  };
}
