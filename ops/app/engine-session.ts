/**
 * An Engine.IO session on long-polling without a client library: the calling code chooses the packets and judges the
 * answers.
 */
export interface EngineSession {
  sid: string;
  /** Cookies set by its answers, by name; undefined if it keeps none. */
  cookies: Map<string, string> | undefined;
  pingIntervalMs: number;
}

/** An answer that violates Engine.IO's protocol. The message describes the answer. */
export class SessionError extends Error {
  override name = "SessionError";
}

/** The URL of a session's requests on long-polling. */
export function pollUrl(base: URL, sid?: string): URL {
  const url = new URL(base);
  url.search = new URLSearchParams({
    EIO: "4",
    transport: "polling",
    ...(sid === undefined ? {} : { sid }),
  }).toString();
  return url;
}

/**
 * Opens a session.
 *
 * @param keepCookies true like a browser, false like a native client without a cookie store
 * @throws SessionError when the answer is no handshake
 */
export async function openSession(base: URL, { keepCookies = true } = {}): Promise<EngineSession> {
  const answer = await fetch(pollUrl(base), { signal: AbortSignal.timeout(10_000) });
  const text = await answer.text();
  if (!answer.ok || !text.startsWith("0{"))
    throw new SessionError(`the handshake got ${answer.status} ${text.slice(0, 60)}`);
  const { sid, pingInterval } = JSON.parse(text.slice(1)) as { sid: string; pingInterval: number };
  const cookies = keepCookies ? new Map<string, string>() : undefined;
  keep(cookies, answer);
  return { sid, cookies, pingIntervalMs: pingInterval };
}

function keep(cookies: Map<string, string> | undefined, answer: Response): void {
  for (const line of answer.headers.getSetCookie()) {
    const [name = "", value = ""] = line.split(";", 1)[0]?.split(/=(.*)/s) ?? [];
    cookies?.set(name.trim(), value);
  }
}

/**
 * One poll or, with a body, one POST of a session. Returns the body.
 *
 * @throws SessionError for every status but 200, and when the connection breaks
 */
export async function inSession(
  base: URL,
  { sid, cookies }: EngineSession,
  { body, withinMs }: { body?: string; withinMs: number },
): Promise<string> {
  const startedAt = performance.now();
  const after = () => `after ${((performance.now() - startedAt) / 1_000).toFixed(1)} s`;
  const cookie = [...(cookies ?? [])].map((pair) => pair.join("=")).join("; ");
  let answer: Response;
  try {
    answer = await fetch(pollUrl(base, sid), {
      ...(body === undefined ? {} : { method: "POST", body }),
      headers: { cookie, ...(body === undefined ? {} : { "content-type": "text/plain" }) },
      signal: AbortSignal.timeout(withinMs),
    });
  } catch (error) {
    throw new SessionError(`ended ${after()} without an answer (${(error as Error).message})`);
  }
  const text = await answer.text();
  keep(cookies, answer);
  if (answer.status !== 200) throw new SessionError(`ended ${after()} with ${answer.status} ${text.slice(0, 80)}`);
  return text;
}
