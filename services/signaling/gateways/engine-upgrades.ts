import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { WebSocket, WebSocketServer } from "ws";
import { requireMethods } from "../intake/guarded.ts";

/** The used part of Engine.IO's server (engine.io 6.6). */
interface EngineServer {
  readonly ws: Pick<WebSocketServer, "handleUpgrade">;
  /** Reads the query into the request. */
  prepare(request: IncomingMessage): void;
  /** Decides at once. Calls back without a refusal if the request may continue. */
  verify(request: IncomingMessage, isUpgrade: true, decide: (refusal?: number) => void): void;
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  onWebSocket(request: IncomingMessage, socket: Duplex, webSocket: WebSocket): void;
}

/**
 * Has Engine.IO take upgrades without the response that it makes for its middlewares. A listener of that response
 * keeps the request, with all its headers, for as long as the WebSocket lives: a sixth of what an idle peer costs.
 * What is refused goes Engine.IO's own way, which answers it.
 *
 * @throws Error where Engine.IO is not built so any more
 */
export function slimUpgrades(server: object): void {
  requireMethods("engine.io's server", server, ["prepare", "verify", "handleUpgrade", "onWebSocket"]);
  const engine = server as EngineServer;
  const handleUpgrade = engine.handleUpgrade.bind(engine);
  engine.handleUpgrade = (request, socket, head) => {
    engine.prepare(request);
    engine.verify(request, true, (refusal) => {
      if (refusal === undefined) upgrade(engine, request, socket, head);
      else handleUpgrade(request, socket, head);
    });
  };
}

function upgrade(engine: EngineServer, request: IncomingMessage, socket: Duplex, head: Buffer): void {
  // A copy: a part of a read keeps the whole read in memory.
  engine.ws.handleUpgrade(request, socket, Buffer.from(head), (webSocket) =>
    engine.onWebSocket(request, socket, webSocket),
  );
}
