import { type BaseUrl, splitBaseUrl } from "./base-url.ts";

/** While another address is used the first is looked at about this often, ms; each client at moments of its own. */
const lookEveryMs = 10_000;
/** A look at the first address may take so long, ms. */
const lookWithinMs = 3_000;
/** So many good looks in a row bring the client back. */
const looksNeeded = 2;

/**
 * The addresses that a client may connect to, in order of preference; one is current. A connection that cannot be made
 * goes on to the next. While another one than the first is used, the first is looked at: is it well again, the client
 * is asked to come back.
 *
 * @throws TypeError when there is none, or one is no URL
 */
export function createAddresses(
  { url, urls = url === undefined ? [] : [url] }: { url?: string; urls?: readonly string[] },
  { random, comeBack }: { random: () => number; comeBack(): void },
) {
  const addresses = urls.map(splitBaseUrl);
  const [first] = addresses;
  if (first === undefined || (url !== undefined && urls[0] !== url))
    throw new TypeError("give url, or urls with one or more");
  let index = 0;
  let good = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;

  function lookLater(): void {
    clearTimeout(timer);
    timer = setTimeout(() => void look(), lookEveryMs * (0.5 + random()));
  }

  async function look(): Promise<void> {
    good = (await answers(first as BaseUrl)) ? good + 1 : 0;
    if (timer === undefined) return;
    if (good < looksNeeded) lookLater();
    else {
      stopLooking();
      index = 0;
      comeBack();
    }
  }

  function stopLooking(): void {
    clearTimeout(timer);
    timer = undefined;
    good = 0;
  }

  return {
    /** Where the next connection goes. */
    current: (): BaseUrl => addresses[index] as BaseUrl,
    /** No connection can be made there, or none lasts: the next one's turn. */
    failed(): void {
      index = (index + 1) % addresses.length;
    },
    /** A connection to the current address is of use. */
    joined(): void {
      if (index !== 0 && timer === undefined) lookLater();
    },
    /** It is lost, or given up; for good too. */
    lost: stopLooking,
  };
}

/** Whether a server there answers anything but that it cannot. A page of another origin may not see what. */
async function answers({ origin, prefix }: BaseUrl): Promise<boolean> {
  try {
    const response = await fetch(`${origin}${prefix}/`, {
      method: "HEAD",
      mode: "no-cors",
      cache: "no-store",
      redirect: "manual",
      signal: AbortSignal.timeout(lookWithinMs),
    });
    return response.status < 500;
  } catch {
    return false;
  }
}
