import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** How long a check may take, ms. */
const withinMs = 2_000;

/** A connection over the loopback interface: `accepted` as a server gets it, `peer` as a client has it. */
export interface LoopbackPair {
  accepted: Socket;
  peer: Socket;
  /** Aborted when the check takes too long. */
  signal: AbortSignal;
}

/**
 * Gives `use` a loopback connection and closes both sides afterwards.
 *
 * @param options.mayFail `use` handles the errors of both sockets
 * @throws what `use` throws, or the error of a socket; AbortError when it takes over 2 s
 */
export async function withLoopbackPair(
  use: (pair: LoopbackPair) => Promise<void>,
  { mayFail = false } = {},
): Promise<void> {
  const signal = AbortSignal.timeout(withinMs);
  const server = createServer({ allowHalfOpen: true });
  server.listen(0, "127.0.0.1");
  await once(server, "listening", { signal });
  const peer = connect((server.address() as AddressInfo).port, "127.0.0.1");
  try {
    const [accepted] = (await once(server, "connection", { signal })) as [Socket];
    try {
      const ends: Promise<void>[] = [use({ accepted, peer, signal }), aborted(signal)];
      if (!mayFail) ends.push(failed(accepted), failed(peer));
      await Promise.race(ends);
    } finally {
      accepted.destroy();
    }
  } finally {
    peer.destroy();
    server.close();
  }
}

async function failed(socket: Socket): Promise<never> {
  const [error] = (await once(socket, "error")) as [Error];
  throw error;
}

async function aborted(signal: AbortSignal): Promise<never> {
  await once(signal, "abort");
  throw new Error(`no answer over the loopback interface within ${withinMs} ms`);
}
