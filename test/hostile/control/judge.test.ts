import { expect, test } from "vitest";
import type { Signal } from "../bystanders/protocol.ts";
import { isSlow, judge, verdictOf } from "./judge.ts";
import type { Sample } from "./protocol.ts";

const calm = { lateMs: 1, own: 0.4, others: 0.1, idle: 1.5 };
/** Ten samples a second from 0 on. */
const during = (seconds: number, what: (at: number) => Partial<Sample> = () => ({})): Sample[] =>
  Array.from({ length: seconds * 10 }, (_, index) => {
    const from = index * 100;
    return { from, until: from + 100, ...calm, ...what(from) };
  });
/** A hundred signals a second from the second second on. */
const signals = (seconds: number, latencyMs: (at: number) => number): Signal[] =>
  Array.from({ length: (seconds - 1) * 100 }, (_, index) => {
    const sentAt = 1_000 + index * 10;
    return { sentAt, latencyMs: latencyMs(sentAt) };
  });

test("a stack that burns its processors is not excused, on two cores that it and the attack fill", () => {
  const full = { own: 1.9, others: 0.1, idle: 0 };
  const burning = signals(5, () => 600);
  expect(verdictOf(judge(burning, during(6)))).toBe("exceeded");
  expect(
    verdictOf(
      judge(
        burning,
        during(6, () => full),
      ),
    ),
  ).toBe("exceeded");
  // Even if the control comes late because of it.
  expect(
    verdictOf(
      judge(
        burning,
        during(6, () => ({ ...full, lateMs: 400 })),
      ),
    ),
  ).toBe("exceeded");
});

test("a stack that is slow once in a while is not excused by a single late tick of the control", () => {
  const burning = signals(5, (at) => (at % 1_000 < 100 ? 1_600 : 5));
  const ticks = during(7, (at) => (at % 1_000 === 300 ? { lateMs: 60 } : {}));
  expect(verdictOf(judge(burning, ticks))).toBe("exceeded");
});

test("signals do not count while other programs use the processors, nor in the second after it", () => {
  const isBusy = (at: number) => at >= 2_000 && at < 3_500;
  const busy = during(8, (at) => (isBusy(at) ? { own: 0.6, others: 1.4, idle: 0 } : {}));
  const held = judge(
    signals(7, (at) => (at >= 2_000 && at < 4_000 ? 700 : 20)),
    busy,
  );
  expect(held.all.p99Ms).toBe(700);
  expect(held.judged.p99Ms).toBe(20);
  expect(verdictOf(held)).toBe("held");
  // A stack that is slow before and after it too.
  expect(
    verdictOf(
      judge(
        signals(7, () => 700),
        busy,
      ),
    ),
  ).toBe("exceeded");
});

test("a stall of the machine does not count, as steal time or as a late tick", () => {
  const stalled = signals(5, (at) => (at >= 2_000 && at < 3_000 ? 3_000 - at + 5 : 5));
  const late = during(6).filter(({ from }) => from < 2_000 || from >= 3_000);
  late.push({ from: 2_000, until: 3_000, ...calm, own: 0.1, lateMs: 900 });
  late.sort((a, b) => a.from - b.from);
  expect(verdictOf(judge(stalled, late))).toBe("held");
  expect(verdictOf(judge(stalled, during(6)))).toBe("exceeded");
});

test("without enough judged signals the bounds are four times as wide, and the verdict says so", () => {
  const busy = during(9, () => ({ own: 0.6, others: 1.4, idle: 0 }));
  expect(
    verdictOf(
      judge(
        signals(5, () => 900),
        busy,
      ),
    ),
  ).toBe("machine slow, held to 4 times the bounds");
  expect(
    verdictOf(
      judge(
        signals(5, () => 1_100),
        busy,
      ),
    ),
  ).toBe("machine too slow to judge");
  // Signals within the bounds need no excuse.
  expect(
    verdictOf(
      judge(
        signals(5, () => 200),
        busy,
      ),
    ),
  ).toBe("held");
});

test("others that use less than what is idle slow nothing", () => {
  expect(isSlow({ from: 0, until: 100, lateMs: 0, own: 4, others: 20, idle: 40 })).toBe(false);
  expect(isSlow({ from: 0, until: 100, lateMs: 0, own: 1, others: 0.9, idle: 0.1 })).toBe(true);
});
