import { createSocket } from "node:dgram";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { decode, encode, RECURSION_DESIRED } from "dns-packet";

/** A DNS server for a test, on the loopback interface. */
export interface NameServer {
  /** Its address in the form of the setting: `127.0.0.1:port`. */
  address: string;
  /** IPv4 addresses by name; other names do not exist. */
  names: Map<string, string[]>;
  /** `fails` answers SERVFAIL, `silent` does not answer, `empty` knows no address, `garbled` sends what is no answer. */
  mood: "well" | "fails" | "silent" | "empty" | "garbled";
  /** Received questions. */
  asked: number;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Starts a server. Its answers have a TTL of five minutes. */
export async function startNameServer(names: Record<string, string[]>): Promise<NameServer> {
  const socket = createSocket("udp4").bind(0, "127.0.0.1");
  await once(socket, "listening");
  const server: NameServer = {
    address: `127.0.0.1:${(socket.address() as AddressInfo).port}`,
    names: new Map(Object.entries(names)),
    mood: "well",
    asked: 0,
    async [Symbol.asyncDispose]() {
      await new Promise<void>((resolve) => socket.close(resolve));
    },
  };
  socket.on("message", (message, from) => {
    server.asked += 1;
    if (server.mood === "silent") return;
    if (server.mood === "garbled") {
      socket.send(Buffer.from(message.map((byte, at) => (at < 2 ? byte : ~byte))), from.port, from.address);
      return;
    }
    const { id, questions = [] } = decode(message);
    const name = questions[0]?.name ?? "";
    const found = server.names.get(name);
    const addresses = server.mood === "well" && questions[0]?.type === "A" ? (found ?? []) : [];
    // RFC 1035, 4.1.1: 2 is a failure of the server, 3 a name that does not exist.
    const code = server.mood === "fails" ? 2 : found === undefined ? 3 : 0;
    const answer = encode({
      type: "response",
      ...(id === undefined ? {} : { id }),
      flags: RECURSION_DESIRED | code,
      questions,
      answers: addresses.map((data) => ({ type: "A", name, ttl: 300, data })),
    });
    socket.send(answer, from.port, from.address);
  });
  return server;
}
