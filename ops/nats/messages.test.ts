import { expect, test } from "vitest";
import { subjectOf } from "../../services/signaling/backplane/nats/subject.ts";
import { readSubject } from "./messages.ts";

test("a message's channel is the one that the replicas used", () => {
  for (const channel of ["hold-the-line:canary", "room:a.b *é", "socket.io#/signaling#r:1#"])
    expect(readSubject(subjectOf(channel), "x")).toEqual({ channel, payload: "x" });
});

test("answers, sessions and canaries in the stream are left out; signals in the stream are shown", () => {
  expect(readSubject("hold-the-line.inbox.AbC.1", "{}")).toBeUndefined();
  expect(readSubject("hold-the-line.stream.session.AbC", "{}")).toBeUndefined();
  expect(readSubject("hold-the-line.stream.entries", '{"canary":"signaling-1 x 1"}')).toBeUndefined();
  expect(readSubject("hold-the-line.stream.entries", '{"data":"offer"}')).toMatchObject({ channel: "stream" });
});
