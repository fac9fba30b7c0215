/** A request that was refused or got an error status. The message is one line. */
export class HttpError extends Error {
  override name = "HttpError";
  readonly status: number | undefined;
  constructor(message: string, status?: number) {
    super(message);
    this.status = status;
  }
}

/**
 * Reads an admin endpoint and parses its JSON.
 *
 * @throws HttpError with the URL and the answer
 */
export function askAdmin<T>(url: string, timeoutMs?: number): Promise<T> {
  return send("GET", url, {}, undefined, timeoutMs);
}

/**
 * Makes a change at an admin endpoint, with the stack's token if there is one, and parses the answer's JSON.
 *
 * @throws HttpError with method, URL and answer
 */
export function changeAdmin<T>(
  { adminToken }: { adminToken: string | undefined },
  method: "PUT" | "POST" | "DELETE",
  url: string,
  body?: unknown,
  timeoutMs?: number,
): Promise<T> {
  const authorization = adminToken === undefined ? {} : { authorization: `Bearer ${adminToken}` };
  return send(method, url, { "content-type": "application/json", ...authorization }, body, timeoutMs);
}

/** The same change as a shell command. It reads the token from its file and never shows it. */
export function typedChange(method: "PUT" | "POST" | "DELETE", url: string, body?: unknown): string {
  const data = body === undefined ? "" : ` -d '${JSON.stringify(body)}'`;
  const token = '-H "authorization: Bearer $(cat .secrets/ADMIN_TOKEN)"';
  return `curl -X ${method} ${token} -H content-type:application/json${data} ${url}`;
}

async function send<T>(
  method: string,
  url: string,
  headers: Readonly<Record<string, string>>,
  body: unknown,
  timeoutMs = 3_000,
): Promise<T> {
  let response: Response;
  let text: string;
  try {
    response = await fetch(url, {
      method,
      signal: AbortSignal.timeout(timeoutMs),
      // Connections are not kept alive: the server could close an idle one just as a request is sent on it.
      headers: { connection: "close", ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    text = await response.text();
  } catch (error) {
    const { message, cause } = error as Error;
    throw new HttpError(`${method} ${url} failed: ${cause instanceof Error ? cause.message : message}`);
  }
  if (!response.ok)
    throw new HttpError(`${method} ${url} answered ${response.status}: ${text.trim()}`, response.status);
  return (text === "" ? undefined : JSON.parse(text)) as T;
}

/** True if `url` answers 2xx within `timeoutMs`. A refusal gives false, not an error. */
export async function answersOk(url: string, timeoutMs = 1_000): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(timeoutMs) });
    await response.body?.cancel();
    return response.ok;
  } catch (error) {
    // fetch rejects with a TypeError on a network failure, and with a TimeoutError from the AbortSignal.
    if (error instanceof TypeError || (error as Error).name === "TimeoutError") return false;
    throw error;
  }
}
