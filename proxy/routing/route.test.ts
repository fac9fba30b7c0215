import fc from "fast-check";
import { expect, test } from "vitest";
import { type ReplicaState, type RouteRequest, replicaOfSid, route } from "./route.ts";

const ask: RouteRequest = { ip: "192.0.2.7", freshId: () => "fresh" };
const cookie = { stickyKey: "cookie", secret: "s" } as const;

function table(states: Record<string, ReplicaState>, shed: string[] = []) {
  const known = new Map(Object.entries(states));
  return {
    ids: [...known.keys()],
    stateOf: (id: string) => known.get(id),
    isShed: (sid: string) => shed.includes(sid),
  };
}

const anyState = fc.constantFrom<ReplicaState>("ready", "degraded", "draining", "down");
const anyTable = fc.dictionary(fc.stringMatching(/^[a-z]{1,6}$/), anyState, { minKeys: 1, maxKeys: 6 });

test("a new session never goes to a draining or dead replica, nor to a degraded one beside a ready one", () => {
  fc.assert(
    fc.property(anyTable, fc.string(), (states, key) => {
      const decided = route({ ...ask, cookie: key }, table(states), cookie);
      if (decided.kind !== "ranked") throw new Error("not ranked");
      const wanted = Object.values(states).includes("ready") ? "ready" : "degraded";
      expect([...decided.order].sort()).toEqual(
        Object.keys(states)
          .filter((id) => states[id] === wanted)
          .sort(),
      );
    }),
  );
});

test("a session stays on its replica while that is alive, and is unknown once the replica is down or has shed it", () => {
  fc.assert(
    fc.property(anyTable, fc.nat(), (states, pick) => {
      const ids = Object.keys(states);
      const id = ids[pick % ids.length] as string;
      const sid = `${id}.abcdef`;
      const decided = route({ ...ask, sid }, table(states), cookie);
      expect(decided).toEqual({ kind: states[id] === "down" ? "unknown-session" : "session", replica: id });
      expect(route({ ...ask, sid }, table(states, [sid]), cookie).kind).toBe("unknown-session");
    }),
  );
});

test("a sid that names no configured replica does not count: the route key decides", () => {
  const states = table({ a: "ready", b: "ready" });
  for (const sid of ["plainsid", "c.abc", ".a", "", "a", "__proto__.x"]) {
    expect(route({ ...ask, cookie: "k", sid }, states, cookie)).toEqual(route({ ...ask, cookie: "k" }, states, cookie));
  }
});

test("replica names may contain dots: the last dot separates", () => {
  expect(replicaOfSid("eu.signaling-1.Zx_9-k")).toBe("eu.signaling-1");
  expect(replicaOfSid("nodot")).toBe("");
});

test("each sticky key is used and labelled; without a room the cookie is used", () => {
  const states = table({ a: "ready", b: "ready", c: "ready" });
  const decide = (stickyKey: "cookie" | "ip" | "room", request: Partial<RouteRequest>) =>
    route({ ...ask, ...request }, states, { stickyKey, secret: "s" });
  expect(decide("cookie", {})).toMatchObject({ decision: "new", setCookie: "fresh" });
  expect(decide("cookie", { cookie: "k" })).toMatchObject({ decision: "cookie" });
  expect(decide("cookie", { cookie: "k" })).toHaveProperty("setCookie", undefined);
  expect(decide("ip", { cookie: "k" })).toMatchObject({ decision: "ip" });
  expect(decide("room", { room: "r", cookie: "k" })).toMatchObject({ decision: "room" });
  expect(decide("room", { room: "" })).toMatchObject({ decision: "new", setCookie: "fresh" });
  for (const freshId of ["1", "2", "3", "4"])
    expect(decide("room", { room: "r", freshId: () => freshId })).toEqual(decide("room", { room: "r" }));
});

test("a client with a new cookie returns to the same replica", () => {
  const states = table({ a: "ready", b: "ready", c: "ready" });
  fc.assert(
    fc.property(fc.string({ minLength: 1 }), (freshId) => {
      const first = route({ ...ask, freshId: () => freshId }, states, cookie);
      const again = route({ ...ask, cookie: freshId }, states, cookie);
      if (first.kind !== "ranked" || again.kind !== "ranked") throw new Error("not ranked");
      expect(again.order).toEqual(first.order);
    }),
  );
});

test("a client whose replica takes no new sessions is a failover", () => {
  const all = { a: "ready", b: "ready", c: "ready" } as const;
  const home = route({ ...ask, cookie: "k" }, table(all), cookie);
  if (home.kind !== "ranked") throw new Error("not ranked");
  const moved = route({ ...ask, cookie: "k" }, table({ ...all, [home.order[0] as string]: "draining" }), cookie);
  expect(moved).toEqual({ kind: "ranked", decision: "failover", order: home.order.slice(1) });
});

test("random ignores sids", () => {
  const states = table({ a: "ready", b: "ready" });
  const firsts = Array.from({ length: 200 }, () => {
    const decided = route({ ...ask, sid: "a.x" }, states, { stickyKey: "random", secret: "s" });
    return decided.kind === "ranked" ? decided.order[0] : "";
  });
  expect(new Set(firsts)).toEqual(new Set(["a", "b"]));
});
