/** A request that was refused or answered with an error status; the message is one line. */
export class HttpError extends Error {
  override name = "HttpError";
  readonly status: number | undefined;
  constructor(message: string, status?: number) {
    super(message);
    this.status = status;
  }
}

/**
 * Calls an admin endpoint and parses its JSON.
 *
 * @throws HttpError with method, URL and what came back
 */
export async function callAdmin<T>(
  method: "GET" | "PUT" | "POST" | "DELETE",
  url: string,
  body?: unknown,
  timeoutMs = 3_000,
): Promise<T> {
  let response: Response;
  try {
    response = await fetch(url, {
      method,
      signal: AbortSignal.timeout(timeoutMs),
      // No connection is kept: the server may close an idle one in the moment that a request is sent on it.
      headers: { connection: "close", ...(method === "GET" ? {} : { "content-type": "application/json" }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  } catch (error) {
    const { message, cause } = error as Error;
    throw new HttpError(`${method} ${url} failed: ${cause instanceof Error ? cause.message : message}`);
  }
  const text = await response.text();
  if (!response.ok)
    throw new HttpError(`${method} ${url} answered ${response.status}: ${text.trim()}`, response.status);
  return (text === "" ? undefined : JSON.parse(text)) as T;
}

/** True when `url` answers 2xx within `timeoutMs`; a refusal is a no, not an error. */
export async function answersOk(url: string, timeoutMs = 1_000): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(timeoutMs) });
    await response.body?.cancel();
    return response.ok;
  } catch (error) {
    // fetch rejects with a TypeError for what the network did, and an AbortSignal with a TimeoutError.
    if (error instanceof TypeError || (error as Error).name === "TimeoutError") return false;
    throw error;
  }
}
