import { STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import type { HandlerDeps } from "../handler-deps.ts";
import type { Linked } from "../listen/linked-set.ts";
import { own, type SocketOwner } from "../listen/owned-socket.ts";
import { type Reply, replyOf, replyOnSocket, unknownSession } from "../listen/replies.ts";
import { Ejected, failedTry, type Outcome } from "../routing/attempts.ts";
import type { Carried, Replica } from "../routing/replica-table.ts";
import { readConnection } from "../screen/connection-header.ts";
import type { Passed } from "../screen/gate.ts";
import { toldOf } from "../screen/gate.ts";
import { requestHeaders, upgradeHead, withoutHeader } from "../screen/headers.ts";
import type { RequestHead } from "../screen/request-head.ts";
import { clientHead } from "./answer-head.ts";
import { Handshake, type Handshaken, type Shaking } from "./handshake.ts";
import { relayAnswer } from "./relay-answer.ts";
import { Tunnel } from "./tunnel.ts";

/** Bytes that a client may send before its upgrade is answered. */
const earlyLimit = 16_384;

/** A client whose upgrade is under way. One early read is kept, and then no more is read. */
class PendingClient implements SocketOwner {
  readonly socket: Socket;
  readonly early: Buffer[];
  hasEnded = false;
  /** Its current try. */
  current: UpgradeTry | undefined;

  constructor(socket: Socket, head: Buffer) {
    this.socket = socket;
    this.early = head.length > 0 ? [head] : [];
  }
  received(size: number, buffer: Uint8Array): boolean {
    // A WebSocket client waits for the 101 (RFC 6455, 4.1).
    if (size > earlyLimit) this.socket.destroy();
    this.early.push(Buffer.from(buffer.subarray(0, size)));
    return false;
  }
  drained(): void {
    // Nothing was written.
  }
  ended(): void {
    this.hasEnded = true;
  }
  failed(): void {
    // `closed` follows.
  }
  closed(): void {
    this.current?.clientLeft();
  }
}

/** An upgrade that may pass. */
interface Asked {
  wire: string;
  passed: Passed;
  client: PendingClient;
  startedAt: number;
}

interface TryOptions {
  replica: Replica;
  asked: Asked;
  release(): void;
  /** Hands a replica's answer on. Returns whether to go on reading from it. */
  answered(replica: Replica, shaken: Handshaken, asked: Asked): boolean;
  resolve(outcome: Outcome): void;
  reject(error: Error): void;
}

/** One try at one replica. A class: functions of its own would be most of what it allocates. */
class UpgradeTry implements Shaking, Carried {
  before: Linked | undefined;
  after: Linked | undefined;
  holder: object | undefined;
  handshake: Handshake | undefined;
  readonly #options: TryOptions;

  constructor(options: TryOptions) {
    this.#options = options;
    options.replica.inFlight.add(this);
    options.asked.client.current = this;
  }
  get sid(): string | undefined {
    return this.#options.asked.passed.sid;
  }
  connected(): void {
    this.#options.release();
  }
  answered(shaken: Handshaken): boolean {
    const { replica, asked, answered, resolve, reject } = this.#options;
    replica.inFlight.delete(this);
    try {
      const readOn = answered(replica, shaken, asked);
      resolve({ kind: "answered" });
      return readOn;
    } catch (error) {
      shaken.socket.destroy();
      reject(error as Error);
      return false;
    }
  }
  failed(error: Error): void {
    const { replica, asked, resolve } = this.#options;
    replica.inFlight.delete(this);
    resolve(asked.client.socket.destroyed ? { kind: "gone" } : failedTry(error, asked.passed));
  }
  eject(): void {
    this.handshake?.failed(new Ejected());
  }
  clientLeft(): void {
    this.handshake?.failed(new Error("the client left"));
  }
}

/** Makes a tunnel from an upgrade request, or answers with the reason of a refusal. */
export function createUpgrades({ config, gate, tryInTurn, sessions, metrics, log, tuning }: HandlerDeps) {
  function upgrade(request: RequestHead, socket: Socket, head: Buffer): void {
    const startedAt = performance.now();
    const passed = gate(request, { upgrade: true });
    if ("status" in passed) {
      metrics.rejected.inc(passed.reason);
      log.debug({ reason: passed.reason, status: passed.status }, "upgrade refused");
      replyOnSocket(socket, replyOf(passed));
      return;
    }
    const client = new PendingClient(socket, head);
    own(socket, client);
    const { listed } = readConnection(request.headers.connection);
    let headers = requestHeaders(request.rawHeaders, listed, passed.client);
    // `Content-Length: 0`, which some clients send.
    if (request.headers["content-length"] !== undefined) headers = withoutHeader(headers, "content-length");
    const wire = upgradeHead(request.url ?? "/", headers);
    const asked: Asked = { wire, passed, client, startedAt };
    tryInTurn(passed, {
      startedAt,
      attempt: (replica, timeoutMs, release) => tryReplica(replica, timeoutMs, release, asked),
      clientGone: () => socket.destroyed || !socket.writable,
      retriable: true,
      patient: false,
    }).then(
      ({ outcome, retries }) => {
        if (outcome.kind === "failed") answerSelf(passed, socket, outcome.reply, retries);
      },
      (err: unknown) => {
        log.error({ err }, "an upgrade failed in the proxy itself");
        socket.destroy();
      },
    );
  }

  function answerSelf(passed: Passed, socket: Socket, answer: Reply, retries: number): void {
    if (answer === unknownSession) metrics.unknownSessions.inc();
    metrics.requests.inc("none", answer.status);
    log.info({ ...toldOf(passed), status: answer.status, retries }, "upgrade not relayed");
    replyOnSocket(socket, answer);
  }

  function tryReplica(replica: Replica, timeoutMs: number, release: () => void, asked: Asked): Promise<Outcome> {
    return new Promise((resolve, reject) => {
      const one = new UpgradeTry({ replica, asked, release, answered, resolve, reject });
      one.handshake = new Handshake(replica.spec, asked.wire, timeoutMs, one);
    });
  }

  /** Hands a replica's answer on. Returns whether to go on reading from it. */
  function answered(replica: Replica, shaken: Handshaken, asked: Asked): boolean {
    const { passed, startedAt } = asked;
    const { socket } = asked.client;
    const { status, rest } = shaken.head;
    const id = replica.spec.id;
    let added = passed.setCookie === undefined ? "" : `Set-Cookie: ${passed.setCookie}\r\n`;
    if (config.REPLICA_HEADER !== undefined) added += `${config.REPLICA_HEADER}: ${id}\r\n`;
    socket.write(clientHead(shaken.head, STATUS_CODES[status] ?? "", added), "latin1");
    metrics.requests.inc(id, status);
    metrics.requestSeconds.observe(id, (performance.now() - startedAt) / 1_000);
    if (status !== 101) {
      log.info({ ...toldOf(passed), replica: id, status }, "upgrade refused by the replica");
      return relayAnswer(shaken, socket);
    }
    openTunnel(replica, shaken, asked);
    return rest === "" || socket.write(rest, "latin1");
  }

  /** A separate function, because its captured variables stay in memory as long as the tunnel. */
  function openTunnel(replica: Replica, { socket }: Handshaken, { passed, client, startedAt }: Asked): void {
    // Node's HTTP server gives its sockets a time-out; the tunnel has its own.
    if (client.socket.timeout) client.socket.setTimeout(0);
    tuning.cheapenReset(client.socket);
    if (passed.sid !== undefined) sessions.ended(passed.sid);
    const openedAt = performance.now();
    const told = toldOf(passed);
    const id = replica.spec.id;
    const handshakeMs = Math.round(openedAt - startedAt);
    const tunnel = new Tunnel({
      client: client.socket,
      replica: socket,
      sid: passed.sid,
      address: passed.client.chain[0] as string,
      idleMs: config.TUNNEL_IDLE_MS,
      onClosed(closed, reason) {
        const bytes = closed.bytes();
        replica.tunnels.delete(closed);
        metrics.closedBytes.in += bytes.in;
        metrics.closedBytes.out += bytes.out;
        metrics.tunnelsClosed.inc(id, reason);
        if (!log.isLevelEnabled("info")) return;
        const openMs = Math.round(performance.now() - openedAt);
        log.info({ ...told, replica: id, handshakeMs, reason, openMs, bytes }, "tunnel closed");
      },
    });
    replica.tunnels.add(tunnel);
    metrics.tunnelsOpened.inc(id);
    if (log.isLevelEnabled("debug")) log.debug({ ...told, replica: id, handshakeMs }, "tunnel opened");
    for (const chunk of client.early) socket.write(chunk);
    if (client.hasEnded) tunnel.endClient();
    else {
      tunnel.readClient(tuning.readInto);
      if (client.socket.isPaused()) client.socket.resume();
    }
  }

  return upgrade;
}
