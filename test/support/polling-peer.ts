/**
 * A peer on Socket.IO's long-polling, in a room, without the client library. It polls by `pollUntil` alone, until it
 * got that text.
 *
 * @param join arguments of the join, as JSON
 */
export async function joinByPolling(url: string, join: string) {
  const base = `${url}/socket.io/?EIO=4&transport=polling`;
  const opened = await (await fetch(base)).text();
  const { sid } = JSON.parse(opened.slice(1)) as { sid: string };
  const poll = async () => (await fetch(`${base}&sid=${sid}`)).text();
  async function pollUntil(text: string): Promise<string> {
    let heard = "";
    while (!heard.includes(text)) heard += await poll();
    return heard;
  }
  const post = (body: string) => fetch(`${base}&sid=${sid}`, { method: "POST", body });
  await post("40/signaling,");
  await pollUntil("40/signaling,");
  await post(`42/signaling,0["join",${join}]`);
  const heard = await pollUntil('"ok":true');
  return { pollUntil, resume: /"resume":"([^"]+)"/.exec(heard)?.[1] ?? "" };
}
