import { STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import { clientHead } from "./answer-head.ts";
import { failedTry, type Outcome } from "./attempts.ts";
import type { Passed } from "./gate.ts";
import { type Handshaken, handshake } from "./handshake.ts";
import { upgradeHead } from "./headers.ts";
import { toldOf } from "./log-fields.ts";
import { screenOrigin } from "./origin.ts";
import type { PathDeps } from "./path-deps.ts";
import { relayAnswer } from "./relay-answer.ts";
import type { Carried, Replica } from "./replica-table.ts";
import { type Reply, replyOf, replyOnSocket, unknownSession } from "./replies.ts";
import type { RequestHead } from "./request-head.ts";
import { screenUpgrade } from "./screen.ts";
import { Ejected } from "./try-errors.ts";
import { Tunnel } from "./tunnel.ts";

/** The WebSocket path: from an upgrade request to a tunnel, or to an answer that says why not. */
export function createUpgradePath({ config, gate, tryInTurn, sessions, metrics, log }: PathDeps) {
  async function upgrade(request: RequestHead, socket: Socket, head: Buffer): Promise<void> {
    const startedAt = performance.now();
    const passed =
      screenUpgrade(request) ?? screenOrigin(request, config.ALLOWED_ORIGINS) ?? gate(request, { upgrade: true });
    if ("status" in passed) {
      metrics.rejected.inc(passed.reason);
      log.debug({ reason: passed.reason, status: passed.status }, "upgrade refused");
      return replyOnSocket(socket, replyOf(passed));
    }
    const wire = upgradeHead(request.url ?? "/", request.rawHeaders, request.headers.connection ?? "", passed.client);
    const gone = () => socket.destroyed || !socket.writable;
    const attempt = (replica: Replica, timeoutMs: number) =>
      tryReplica(replica, timeoutMs, { wire, passed, socket, head, startedAt });
    const { outcome, retries } = await tryInTurn(passed, { attempt, clientGone: gone, retriable: true });
    if (outcome.kind === "failed") answerSelf(outcome.reply);

    function answerSelf(answer: Reply): void {
      if (answer === unknownSession) metrics.unknownSessions.inc();
      metrics.requests.inc("none", answer.status);
      log.info({ ...toldOf(passed as Passed), status: answer.status, retries }, "upgrade not relayed");
      replyOnSocket(socket, answer);
    }
  }

  interface Asked {
    wire: string;
    passed: Passed;
    socket: Socket;
    head: Buffer;
    startedAt: number;
  }

  async function tryReplica(replica: Replica, timeoutMs: number, asked: Asked): Promise<Outcome> {
    const { passed, socket } = asked;
    const hands = handshake(replica.spec, asked.wire, timeoutMs);
    const carried: Carried = { sid: passed.sid, eject: () => hands.abort(new Ejected()) };
    const onGone = () => hands.abort(new Error("the client left"));
    replica.inFlight.add(carried);
    socket.once("close", onGone);
    try {
      answered(replica, await hands.answered, asked);
      return { kind: "answered" };
    } catch (error) {
      return socket.destroyed ? { kind: "gone" } : failedTry(error, passed);
    } finally {
      replica.inFlight.delete(carried);
      socket.off("close", onGone);
    }
  }

  function answered(replica: Replica, shaken: Handshaken, { passed, socket, head, startedAt }: Asked): void {
    const { status } = shaken.head;
    const id = replica.spec.id;
    socket.write(clientHead(shaken.head, STATUS_CODES[status] ?? "", passed.setCookie), "latin1");
    metrics.requests.inc(id, status);
    metrics.requestSeconds.observe(id, (performance.now() - startedAt) / 1_000);
    if (status !== 101) {
      relayAnswer(shaken, socket);
      log.info({ ...toldOf(passed), replica: id, status }, "upgrade refused by the replica");
      return;
    }
    if (replica.state === "down" || shaken.socket.destroyed) {
      shaken.socket.destroy();
      socket.destroy();
      return;
    }
    const { rest } = shaken.head;
    openTunnel(replica, socket, shaken, passed, startedAt);
    if (rest !== "") socket.write(rest, "latin1");
    if (head.length > 0) shaken.socket.write(head);
    shaken.socket.resume();
  }

  /** Apart from the handshake: what is captured here lives as long as the tunnel. */
  function openTunnel(
    replica: Replica,
    client: Socket,
    { socket, handTo }: Handshaken,
    passed: Passed,
    startedAt: number,
  ): void {
    client.setTimeout(0).setNoDelay(true);
    if (passed.sid !== undefined) sessions.ended(passed.sid);
    const openedAt = performance.now();
    const told = toldOf(passed);
    const id = replica.spec.id;
    const handshakeMs = Math.round(openedAt - startedAt);
    const tunnel = new Tunnel({
      client,
      replica: socket,
      sid: passed.sid,
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
    handTo(tunnel);
    replica.tunnels.add(tunnel);
    metrics.tunnelsOpened.inc(id);
    if (log.isLevelEnabled("debug")) log.debug({ ...told, replica: id, handshakeMs }, "tunnel opened");
  }

  return (request: RequestHead, socket: Socket, head: Buffer): void => {
    upgrade(request, socket, head).catch((err: unknown) => {
      log.error({ err }, "an upgrade failed in the proxy itself");
      socket.destroy();
    });
  };
}
