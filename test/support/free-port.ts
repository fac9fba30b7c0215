import { createSocket, type Socket } from "node:dgram";
import { createServer } from "node:net";
import { defaultPorts } from "../../ops/ports.ts";

/** Single ports, above those of all stacks and below the range that the system takes outgoing ports from. */
const single = { from: 28_200, to: 30_800 };
/** Bases of stacks: the step keeps the port groups of any two apart. */
const bases = { from: 10_000, to: 18_960, step: 140 };

/** Kept until this process ends, whatever end that is. */
const held: Socket[] = [];

/**
 * A TCP port of the loopback interface for a program that cannot be given port 0. It is this process's until it ends:
 * no outgoing connection gets it, and no test that runs beside.
 */
export async function freePort(): Promise<number> {
  const ports = Array.from({ length: single.to - single.from }, (_, index) => single.from + index);
  return firstFree(ports, (port) => [port]);
}

/** A PORT_BASE all of whose ports are free, on the same terms. */
export async function freePortBase(): Promise<number> {
  const count = (bases.to - bases.from) / bases.step;
  const candidates = Array.from({ length: count }, (_, index) => bases.from + index * bases.step);
  return firstFree(candidates, (base) => Object.values(defaultPorts).map((port) => port + base));
}

async function firstFree(candidates: number[], portsOf: (candidate: number) => number[]): Promise<number> {
  const offset = Math.floor(Math.random() * candidates.length);
  for (const candidate of [...candidates.slice(offset), ...candidates.slice(0, offset)]) {
    if (!(await reserve(candidate))) continue;
    const free = await Promise.all(portsOf(candidate).map(isFree));
    if (free.every(Boolean)) return candidate;
  }
  throw new Error(`no port free from ${candidates[0]} to ${candidates.at(-1)}`);
}

/** By binding the UDP port of the same number, which nobody here speaks on: the system lets go of it by itself. */
function reserve(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createSocket("udp4");
    socket.once("error", () => resolve(false));
    socket.bind({ port, address: "127.0.0.1", exclusive: true }, () => {
      held.push(socket.unref());
      resolve(true);
    });
  });
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
      .once("error", () => resolve(false))
      .listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}
