import { Agent, type AgentOptions, type ClientRequest, type IncomingMessage, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Stream } from "node:stream";
import type { PendingBody } from "../listen/pending-bytes.ts";
import { bodyTooLarge, tooMuchPending } from "../listen/replies.ts";
import type { Outcome } from "../routing/attempts.ts";
import type { ReplicaSpec } from "../routing/replica-spec.ts";
import type { Replica } from "../routing/replica-table.ts";
import { answerHeaders } from "../screen/headers.ts";
import { Exchange, type Forwarded } from "./exchange.ts";
import { type HttpProxyServer, loadHttpProxy, sendBy } from "./http-proxy.ts";

/** An idle connection to a replica is kept this long, ms. Node's servers close theirs after 5 s. */
const idleUpstreamMs = 4_000;
/** A request of no session keeps its place at the replica until it is answered, or so long, ms: answers may be held. */
const answeredSoonMs = 100;
/** A last piece of up to this size is written together with the head, bytes. */
const smallBytes = 4_096;
/** The body of a request without one: `pipe` ends the request to the replica at once. */
const noBody = { pipe: (to: ClientRequest) => to.end() } as unknown as Stream;

/** Two servers for each replica, since options of a single request would cost a copy of all options. */
interface Servers {
  withBody: HttpProxyServer;
  bodiless: HttpProxyServer;
}

/** A pool of connections by host and port only, because all other options are the same. */
class ReplicaAgent extends Agent {
  override getName(options?: AgentOptions & { host?: string; port?: number | string }): string {
    return `${options?.host}:${options?.port}`;
  }
  /** Ignores the answer's `Keep-Alive`, because Node would make an object of all headers to read it. */
  override keepSocketAlive(socket: Socket): boolean {
    socket.setKeepAlive(true, 1_000).unref();
    if (socket.timeout !== idleUpstreamMs) socket.setTimeout(idleUpstreamMs);
    return true;
  }
}

/** Forwards requests with the `http-proxy` package over kept-alive connections, streaming both ways. */
export function createForwarder(options: {
  timeoutMs: number;
  maxBodyBytes: number;
  /** Name of the header that names the replica; undefined: no header. */
  replicaHeader: string | undefined;
  /** A replica does not know the session of a request that its sid did not route there. */
  onLostSession(): void;
  closing(): boolean;
  shortRequests: boolean;
}) {
  const createServer = loadHttpProxy(options).createProxyServer<IncomingMessage, ServerResponse>;
  const agentOptions: AgentOptions & { servername: string } = {
    keepAlive: true,
    timeout: idleUpstreamMs,
    servername: "",
  };
  const agent = new ReplicaAgent(agentOptions);
  // Not among the options, which Node copies for each request.
  agent.maxFreeSockets = 1_024;
  /** http-proxy's servers for each replica. They are removed with it. */
  const servers = new WeakMap<ReplicaSpec, Servers>();
  function serversOf(spec: ReplicaSpec): Servers {
    const known = servers.get(spec);
    if (known !== undefined) return known;
    const target = { host: spec.host, port: String(spec.port), protocol: "http:" };
    const common = { target, agent, prependPath: false, toProxy: true, xfwd: false, selfHandleResponse: true };
    const made = { withBody: createServer(common), bodiless: createServer({ ...common, buffer: noBody }) };
    for (const server of [made.withBody, made.bodiless]) follow(server);
    servers.set(spec, made);
    return made;
  }
  function follow(server: HttpProxyServer): void {
    server.on("proxyReq", (upstream, request) => {
      const exchange = Exchange.of(request);
      if (exchange === undefined || exchange.over) return void upstream.destroy();
      exchange.upstream = upstream;
      const { release, passed } = exchange.forwarded;
      if (passed.sid === undefined) exchange.releaseWithin(answeredSoonMs);
      else if (upstream.socket?.connecting === true) upstream.socket.once("connect", release);
      else release();
    });
    server.on("proxyRes", (answer, request) => {
      const exchange = Exchange.of(request);
      if (exchange !== undefined && !exchange.over) relay(answer, exchange);
    });
    server.on("econnreset", (_error, request) => abandon(request, { kind: "gone" }));
  }

  /** Passes an answer on as it arrives: the head with the first piece of the body, and a small body in one write. */
  function relay(answer: IncomingMessage, exchange: Exchange): void {
    const { response, passed, wantsClose } = exchange.forwarded;
    exchange.onHead();
    answer.on("error", exchange.fail);
    const head = answerHeaders(answer.rawHeaders);
    const { remember, setCookie } = passed;
    if (setCookie !== undefined) head.push("Set-Cookie", setCookie);
    if (remember !== undefined && answer.statusCode === 200)
      head.push("Set-Cookie", remember(exchange.replica.spec.id));
    if (options.replicaHeader !== undefined) head.push(options.replicaHeader, exchange.replica.spec.id);
    if (wantsClose || options.closing()) head.push("Connection", "close");
    try {
      response.writeHead(answer.statusCode ?? 502, answer.statusMessage, head);
    } catch (error) {
      // A replica may send what Node refuses to send, such as control characters in a header.
      exchange.fail(error);
      return;
    }
    if (answer.statusCode === 400 && passed.sid !== undefined && passed.route.kind === "ranked")
      answer.once("data", (chunk: Buffer) => chunk.includes('"code":1,') && options.onLostSession());
    let left = lengthOf(answer.rawHeaders);
    answer.on("data", (chunk: Buffer) => {
      exchange.movedAt = performance.now();
      left -= chunk.length;
      if (left === 0 && chunk.length <= smallBytes) response.end(chunk.toString("latin1"), "latin1");
      else if (!response.write(chunk)) {
        answer.pause();
        response.once("drain", () => answer.resume());
      }
    });
    answer.on("end", () => {
      if (!response.writableEnded) response.end();
    });
  }

  /** Ends the try of this request, if there is one, with this outcome. */
  function abandon(request: IncomingMessage, outcome: Outcome): void {
    Exchange.of(request)?.end(outcome);
  }

  /**
   * One try. Resolves when the answer is complete, or with the failure.
   *
   * @param headMs to the head of the answer; undefined: only `timeoutMs` of silence, for what can be held long
   */
  function forward(replica: Replica, headMs: number | undefined, forwarded: Forwarded): Promise<Outcome> {
    return new Promise((resolve) => {
      const { request, response, body } = forwarded;
      const exchange = new Exchange(replica, forwarded, { headMs, silenceMs: options.timeoutMs }, resolve);
      request.headers = forwarded.headers as unknown as typeof request.headers;
      if (body !== undefined) limitBody(exchange, body, options.maxBodyBytes);
      const { withBody, bodiless } = serversOf(replica.spec);
      sendBy(body === undefined ? bodiless : withBody, request, response, exchange.fail);
    });
  }

  return { forward, abandon, close: () => agent.destroy() };
}

/**
 * Refuses the request once its body, or all unfinished bodies of its client, are too large. A chunked body announces no
 * length.
 */
function limitBody(exchange: Exchange, body: PendingBody, limit: number): void {
  let size = 0;
  exchange.forwarded.request
    .on("data", (chunk: Buffer) => {
      exchange.movedAt = performance.now();
      size += chunk.length;
      if (size > limit) exchange.end({ kind: "failed", reply: bodyTooLarge });
      else if (!body.add(chunk.length)) exchange.end({ kind: "failed", reply: tooMuchPending });
    })
    .once("end", () => body.end());
}

/** Body bytes that the headers of an answer announce; NaN: none. */
function lengthOf(rawHeaders: readonly string[]): number {
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] as string;
    if (name.length === 14 && name.toLowerCase() === "content-length") return Number(rawHeaders[i + 1]);
  }
  return Number.NaN;
}
