import { createConnection, type Socket } from "node:net";
import { join } from "node:path";
import { relay } from "./door.ts";

// The namespace's side: `node main.ts DIR PORT…`. It says "open" and ends with the host's side, to which it holds one
// connection for that.
const [dir = "", ...ports] = process.argv.slice(2);
const sockets = new Set<Socket>();
await Promise.all(ports.map((port) => relay(Number(port), () => createConnection(join(dir, `${port}.sock`)), sockets)));
createConnection(join(dir, "life.sock"))
  .on("error", () => process.exit(1))
  .on("close", () => process.exit(0))
  .resume();
process.stdout.write("open\n");
