import { startUpstream } from "./upstream.ts";

/** An upstream in a process of its own, so that a test can freeze or kill it: `node replica-process.ts <id> <port>`. */
const [id = "", port = "0"] = process.argv.slice(2);
await startUpstream(id, {
  port: Number(port),
  onRequest(request, response) {
    if (request.url?.includes("hang")) return;
    response.end(id);
  },
});
