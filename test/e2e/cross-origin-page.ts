import { createSignalingClient } from "../../client/signaling-client.ts";

/** `?url=…&room=…`, and `&cookies=1` to insist on them: a page of another origin than the server's. */
const query = new URLSearchParams(location.search);
const client = createSignalingClient({
  url: query.get("url") ?? "",
  transports: "polling",
  ...(query.get("cookies") === "1" ? { cookies: true } : {}),
});
client.on("state", (state) => {
  document.body.dataset["state"] = state;
});
client.join(query.get("room") ?? "");
