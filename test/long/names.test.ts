import { afterEach, beforeEach, expect, test } from "vitest";
import { ejections, openStage, tunnelTo } from "../proxies/named-stage.ts";
import { until } from "../support/poll.ts";
import { openTunnel } from "../support/raw-socket.ts";

let stage: ReturnType<typeof openStage>;
beforeEach(() => {
  stage = openStage();
});
afterEach(() => stage[Symbol.asyncDispose]());

/** Duration of the resolver's outage, ms. */
const goneMs = 60_000;

test.each(["silent", "fails"] as const)(
  "an outage of the resolver for a minute (%s) cuts no tunnel and ejects no replica",
  async (mood) => {
    const { names, proxy } = await stage.twoByName();
    const ids = ["signaling-1", "signaling-2"];
    const tunnels = await Promise.all([...ids, ...ids, ...ids].map((id) => tunnelTo(proxy, id)));
    const since = performance.now();
    names.mood = mood;
    let opened = 0;
    while (performance.now() - since < goneMs) {
      (await openTunnel(proxy.port)).socket.destroy();
      expect((await fetch(proxy.url)).status).toBe(200);
      opened += 1;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    const cut = tunnels.filter((tunnel) => tunnel.closed).length;
    const ejected = (await ejections(proxy)).length;
    process.stdout.write(
      `resolver ${mood} for 60 s: ${cut} tunnels cut, ${ejected} ejections, ${opened} new sessions\n`,
    );
    expect({ cut, ejected }).toEqual({ cut: 0, ejected: 0 });
    expect(await proxy.metric("proxy_stale_names")).toBe(2);
    names.mood = "well";
    await until("the names resolve again", async () => (await proxy.metric("proxy_stale_names")) === 0);
  },
);
