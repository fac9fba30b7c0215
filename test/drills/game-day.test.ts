import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, test } from "vitest";
import { unsteady } from "../../ops/stack/steady.ts";
import { useDrillStack } from "./drill-stack.ts";

/**
 * It needs a stack of its own, because a game begins only when no alert of an earlier drill fires. Without a call
 * SignalingProbeAbsent fires after 20 s, and the second game would wait for its end.
 */
const drillStack = useDrillStack({ CALLS: "2" });

test.each([
  { answers: ["seen", "signaling-1 kill"], points: 100 },
  { answers: ["hint", "redis pause", "signaling-1 kill"], points: 70 },
])("a game day's fault is found by $answers for $points points, and healed", async ({ answers, points }) => {
  const trainee = spawn("node", ["ops/cli.ts", "game-day", "--seed", "0", "--level", "1"], {
    cwd: drillStack().root,
    env: { ...process.env, STACK: drillStack().name },
    stdio: ["pipe", "pipe", "inherit"],
  });
  let text = "";
  trainee.stdout.on("data", (chunk) => {
    text += chunk;
  });
  trainee.stdin.end(answers.map((answer) => `${answer}\n`).join(""));
  const [code] = await once(trainee, "close");
  expect(text).toContain(`${points} points`);
  expect(text).toContain("it was: kill signaling-1");
  expect(code).toBe(0);
  expect(await unsteady(drillStack())).toEqual([]);
});
