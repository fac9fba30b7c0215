import { type JWTPayload, jwtVerify } from "jose";
import { z } from "zod";
import type { Config } from "../config.ts";
import { createKeySet, NoKeySetError } from "./key-set.ts";

/** The clocks of the issuer and of the replica may differ by this, s. */
const clockToleranceS = 5;
/** Longest and shortest `retryAfterMs` for a token that is not valid yet, ms. */
const longestRetryMs = 30_000;
const shortestRetryMs = 1_000;

/** The rights of a token. */
export interface Grant {
  subject: string;
  /** Epoch ms at which the session ends. */
  expiresAt: number;
  /** Room ids, or patterns with `*` for any characters; null: every room; empty: none. */
  rooms: readonly string[] | null;
  /** A `listener` gets signals and may answer, but offers nothing. */
  role: "peer" | "listener";
}

/** The project's own claims, besides the required `sub` and `exp`. */
const Claims = z.object({
  sub: z.string().min(1).max(256),
  exp: z.number(),
  rooms: z.array(z.string().max(256)).max(1_000).optional(),
  role: z.enum(["peer", "listener"]).default("peer"),
});

/** A refused token. The message has the reason and no secret. */
export class UnauthorizedError extends Error {
  /** Socket.IO hands it to the client as `connect_error`'s `data`. */
  readonly data: { code: "unauthorized"; message: string };
  constructor(message: string) {
    super(message);
    this.name = "UnauthorizedError";
    this.data = { code: "unauthorized", message };
  }
}

/** The token cannot be judged now. The same token may be valid after `retryAfterMs`. */
export class NotNowError extends Error {
  readonly data: { code: "overloaded"; message: string; retryAfterMs: number };
  constructor(message: string, retryAfterMs: number) {
    super(message);
    this.name = "NotNowError";
    this.data = { code: "overloaded", message, retryAfterMs };
  }
}

/**
 * Checks tokens as `AUTH`, `JWT_SECRET` or `JWKS_URL`, `JWT_AUDIENCE` and `JWT_ISSUER` say. The algorithm is fixed by
 * the kind of key (HS256 for the secret, asymmetric ones for a key set), never taken from the token.
 *
 * @returns null if no token is needed
 * @throws UnauthorizedError and NotNowError from the check, Error here when AUTH=jwt has no key
 */
export function createAuthorizer(config: Config): ((token: unknown) => Promise<Grant>) | null {
  if (config.AUTH === "none") return null;
  const { JWT_SECRET: secret, JWKS_URL: jwksUrl } = config;
  const roomsUnlessNamed = (config.JWT_WITHOUT_ROOMS ?? (jwksUrl === undefined ? "all" : "none")) === "all" ? null : [];
  const checks = {
    clockTolerance: clockToleranceS,
    ...(config.JWT_AUDIENCE === undefined ? {} : { audience: config.JWT_AUDIENCE }),
    ...(config.JWT_ISSUER === undefined ? {} : { issuer: config.JWT_ISSUER }),
  };
  let verify: (token: string) => Promise<{ payload: JWTPayload }>;
  if (jwksUrl !== undefined) {
    verify = createKeySet(new URL(jwksUrl), checks);
  } else if (secret !== undefined) {
    const key = new TextEncoder().encode(secret);
    verify = (token) => jwtVerify(token, key, { ...checks, algorithms: ["HS256"] });
  } else throw new Error("AUTH=jwt needs JWT_SECRET (HS256) or JWKS_URL");

  return async (token) => {
    if (typeof token !== "string" || token === "") throw new UnauthorizedError("a token is needed");
    let payload: JWTPayload;
    try {
      ({ payload } = await verify(token));
    } catch (error) {
      throw refusalOf(error);
    }
    const claims = Claims.safeParse(payload);
    if (!claims.success)
      throw new UnauthorizedError("the token needs sub and exp; rooms is a list, role peer or listener");
    const { sub, exp, rooms, role } = claims.data;
    // The tolerance is for a token's beginning: a session would end as soon as it begins.
    if (exp * 1000 <= Date.now()) throw new UnauthorizedError("the token has expired");
    return { subject: sub, expiresAt: exp * 1000, rooms: rooms ?? roomsUnlessNamed, role };
  };
}

/** The message for a token that jose did not accept. */
function refusalOf(error: unknown): Error {
  if (error instanceof NoKeySetError) return new NotNowError(`${error.message}: try again`, shortestRetryMs);
  const { code, claim, payload } = error as { code?: string; claim?: string; payload?: JWTPayload };
  if (claim === "nbf" && typeof payload?.nbf === "number") {
    const waitMs = payload.nbf * 1000 - Date.now();
    return new NotNowError("the token is not valid yet", Math.min(longestRetryMs, Math.max(shortestRetryMs, waitMs)));
  }
  return new UnauthorizedError(code === "ERR_JWT_EXPIRED" ? "the token has expired" : "the token is not valid");
}

/** True if a grant allows that room. */
export function allowsRoom(grant: Grant | null, roomId: string): boolean {
  if (grant === null || grant.rooms === null) return true;
  return grant.rooms.some((pattern) => matches(pattern, roomId));
}

/** Runs `end` when the grant expires. A timer lasts at most 24 days. */
export function expiresIn(grant: Grant | null, end: () => void): NodeJS.Timeout | undefined {
  if (grant === null) return undefined;
  return setTimeout(end, Math.min(Math.max(0, grant.expiresAt - Date.now()), 2 ** 31 - 1));
}

/** `*` stands for any characters. Linear in both lengths: patterns come from outside. */
function matches(pattern: string, text: string): boolean {
  const [first = "", ...rest] = pattern.split("*");
  if (rest.length === 0) return pattern === text;
  if (!text.startsWith(first)) return false;
  const last = rest.pop() ?? "";
  let at = first.length;
  for (const part of rest) {
    const found = text.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return text.length - last.length >= at && text.endsWith(last);
}
