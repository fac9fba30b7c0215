import { createLocalJWKSet, createRemoteJWKSet, type JWTPayload, type JWTVerifyOptions, jwtVerify } from "jose";

/** While its server does not answer, the last good key set is used for this long, ms: a key may have been withdrawn. */
const staleMs = 3_600_000;
/** Only signatures by key pairs, because a public key must not be used as a shared secret. */
const algorithms = ["RS256", "PS256", "ES256", "ES384", "EdDSA"];

/** The key set is not available, so no token can be judged. */
export class NoKeySetError extends Error {
  constructor(cause: unknown) {
    super("the key set cannot be had", { cause });
    this.name = "NoKeySetError";
  }
}

/**
 * Checks tokens with the key set (RFC 7517) at `url`. While that does not answer, the last good one is used.
 *
 * @returns a check that throws jose's errors for a bad token, and NoKeySetError where there is no key set to check with
 */
export function createKeySet(url: URL, options: JWTVerifyOptions): (token: string) => Promise<{ payload: JWTPayload }> {
  const keys = createRemoteJWKSet(url);
  let goodAt = Number.NEGATIVE_INFINITY;

  return async (token) => {
    try {
      const verified = await jwtVerify(token, keys, { ...options, algorithms });
      goodAt = performance.now();
      return verified;
    } catch (error) {
      if (isVerdict(error)) throw error;
      const last = keys.jwks();
      if (last === undefined || performance.now() - goodAt > staleMs) throw new NoKeySetError(error);
      try {
        return await jwtVerify(token, createLocalJWKSet(last), { ...options, algorithms });
      } catch (again) {
        // Its key may be a new one.
        throw (again as { code?: string }).code === noMatchingKey ? new NoKeySetError(error) : again;
      }
    }
  };
}

const noMatchingKey = "ERR_JWKS_NO_MATCHING_KEY";

/** Whether the error speaks of the token, and not of the way to the key set. */
function isVerdict(error: unknown): boolean {
  const { code = "" } = error as { code?: string };
  return /^ERR_(JWT|JWS|JOSE_ALG|JOSE_NOT)/.test(code) || code === noMatchingKey;
}
