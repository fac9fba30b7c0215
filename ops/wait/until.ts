import { HttpError } from "../stack/http.ts";
import { pause } from "./pause.ts";

/** Asks until it is true or `withinMs` is over; an endpoint that does not answer is asked again. */
export async function untilTrue(ask: () => Promise<boolean>, withinMs: number, signal: AbortSignal): Promise<boolean> {
  const deadline = Date.now() + withinMs;
  while (!signal.aborted) {
    try {
      if (await ask()) return true;
    } catch (error) {
      if (!(error instanceof HttpError)) throw error;
    }
    if (Date.now() > deadline) return false;
    await pause(200, signal);
  }
  return false;
}

/** @throws Error when the rollback takes over `ms` */
export async function within<T>(work: Promise<T>, ms: number): Promise<T> {
  const over = Promise.withResolvers<never>();
  const timer = setTimeout(() => over.reject(new Error(`the rollback took over ${ms / 1000} s: make heal`)), ms);
  try {
    return await Promise.race([work, over.promise]);
  } finally {
    clearTimeout(timer);
  }
}
