import { createConnection, type Socket } from "node:net";
import { join } from "node:path";
import { relay } from "./door.ts";

// The namespace's side: `node main.ts DIR PORT…`. It prints "open". It holds one connection to the host's side and ends
// with it.
const [dir = "", ...ports] = process.argv.slice(2);
const sockets = new Set<Socket>();
await Promise.all(ports.map((port) => relay(Number(port), () => createConnection(join(dir, `${port}.sock`)), sockets)));
createConnection(join(dir, "life.sock"))
  .on("error", () => process.exit(1))
  .on("close", () => process.exit(0))
  .resume();
process.stdout.write("open\n");
