import { createSocket, type Socket } from "node:dgram";
import { createServer } from "node:net";
import { defaultPorts } from "../../ops/ports.ts";

/** Range of single ports: above all stacks' ports and below the system's range of outgoing ports. */
const single = { from: 28_200, to: 30_800 };
/** Bases of stacks. The step keeps the ports of any two stacks apart. */
const bases = { from: 10_000, to: 18_960, step: 140 };

/** The reservations last until this process ends in any way. */
const held: Socket[] = [];

/**
 * Reserves a TCP port of the loopback interface for a program that cannot use port 0. The port stays reserved until
 * this process ends: no outgoing connection and no parallel test gets it.
 */
export async function freePort(): Promise<number> {
  const ports = Array.from({ length: single.to - single.from }, (_, index) => single.from + index);
  return firstFree(ports, (port) => [port]);
}

/** Reserves a PORT_BASE whose ports are all free, in the same way. */
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

/** It binds the unused UDP port of the same number. The system releases it by itself. */
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
