import { expect, test } from "vitest";
import { parseCsvMessage, readMessage } from "./backplane-messages.ts";

const read = (line: string) => {
  const message = parseCsvMessage(line);
  return message === undefined ? undefined : readMessage(message);
};

test("a room's message shows room, event and size, never its content", () => {
  const line = String.raw`"pmessage","*","socket.io#/signaling#r:demo#","HL\x01\x9a\x00\x00\x00\x01\x93\xabsignaling-1\xa5offer\"v=0"`;
  expect(read(line)).toEqual({
    kind: "message",
    channel: "socket.io#/signaling#r:demo#",
    room: "demo",
    what: "offer",
    bytes: 31,
  });
});

test("a heartbeat names its replica", () => {
  const line = String.raw`"pmessage","*","hold-the-line:canary","HM\x01\x9a\x00\x00\x00\x01signaling-2 Ab_-0123 17"`;
  expect(read(line)).toEqual({ kind: "heartbeat", node: "signaling-2" });
});

test("a relay to one replica shows its room; gossip to one replica is shown as gossip", () => {
  const relay = String.raw`"pmessage","*","hold-the-line:replica:signaling-2","HM\x01\x00\x1a[\"demo\",false,[],[]]\x81~42/signaling,[\"offer\","`;
  expect(read(relay)).toMatchObject({ room: "demo", what: "offer" });
  const gossip = String.raw`"pmessage","*","hold-the-line:replica:signaling-2","HM{\"type\":\"confirmed\",\"roomId\":\"demo\"}"`;
  expect(read(gossip)).toMatchObject({ what: "confirmed" });
});

test("raw WebSocket rooms and requests between replicas are distinguished; other lines are ignored", () => {
  expect(read('"pmessage","*","room:demo","x"')).toMatchObject({ room: "demo", what: "message" });
  expect(read('"pmessage","*","socket.io-request#/signaling#","{}"')).toMatchObject({ what: "between replicas" });
  expect(read('"psubscribe","*",1')).toBeUndefined();
});
