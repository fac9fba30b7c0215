import httpProxy from "http-proxy";

/** `http-proxy` as in its README, for comparison. `<port> <target>` */
const [port = "", target = ""] = process.argv.slice(2);
const proxy = httpProxy.createProxyServer({ target, ws: true });
proxy.on("error", (_error, _request, socket) => {
  if ("destroy" in socket) socket.destroy();
});
proxy.listen(Number(port), "127.0.0.1");
