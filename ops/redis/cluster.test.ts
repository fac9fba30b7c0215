import { expect, test } from "vitest";
import { parseNodes, slotCount } from "./cluster.ts";
import { roleOf } from "./roles.ts";

const [a, b, c] = ["a", "b", "c"].map((letter) => letter.repeat(40));
const idAt = (address: string) =>
  ({ "127.0.0.1:6390": "redis", "127.0.0.1:6410": "redis-2", "redis-3:6379": "redis-3" })[address];

test("a primary, a lost one and a copy are read with their slots, by address or by announced name", () => {
  const servers = parseNodes(
    [
      `${a} 127.0.0.1:6390@6400 myself,master - 0 0 7 connected 0-10 93 [12-<-${b}]`,
      `${b} 127.0.0.1:6410@6401 master,fail - 1 1 2 disconnected`,
      `${c} 10.0.0.7:6379@16379,redis-3,shard-id=1 slave ${a} 0 1 7 connected`,
    ],
    idAt,
  );
  expect(servers.map(({ id, reached, copyOf }) => ({ id, reached, copyOf }))).toEqual([
    { id: "redis", reached: true, copyOf: undefined },
    { id: "redis-2", reached: false, copyOf: undefined },
    { id: "redis-3", reached: true, copyOf: "redis" },
  ]);
  expect(servers.map(slotCount)).toEqual([12, 0, 0]);
  expect(servers.map(roleOf)).toEqual(["primary, slots 0-10 93", "primary without slots", "copy of redis"]);
});

test.each(["fail?", "handshake", "noaddr"])("a server marked %s is not reached", (flag) => {
  const [server] = parseNodes([`${a} 127.0.0.1:6390@6400 master,${flag} - 0 0 1 connected 0-1`], idAt);
  expect(server?.reached).toBe(false);
});

test("servers of another cluster, and a line that is none, are left out", () => {
  expect(parseNodes([`${a} 192.0.2.1:6390@6400 master - 0 0 1 connected`, "", "NOPERM this user"], idAt)).toEqual([]);
});
