import type { Fault } from "./faults.ts";

/** Words for each fault, as people say them. */
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

/** What an answer names: a component, a fault, either or neither; `several` where it names more than one of a kind. */
export interface Named {
  target: string | null;
  action: Fault["action"] | null;
  several: boolean;
}

/**
 * Reads an answer in any order of words: `kill redis`, `redis is dead`, `kill-node NODE=2`, `replica 2 was cut off`.
 * A number names the replica, however it is joined to its word.
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
  // "signaling-2 is cut off from redis" names where it is cut from, not two components.
  const cut = actions.some(([action]) => action === "partition") && words.includes("from");
  const named = cut && replicas.length === 1 ? replicas : targets;
  return {
    target: named.length === 1 ? (named[0] ?? null) : null,
    action: actions.length === 1 ? (actions[0]?.[0] as Fault["action"]) : null,
    several: named.length > 1 || actions.length > 1,
  };
}
