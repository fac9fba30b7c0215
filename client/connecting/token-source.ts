import type { SignalingOptions } from "../signaling-contract.ts";

/** Getting a token may take this long, ms. */
const tokenWithinMs = 10_000;

/** Where a client's token comes from, and whether a refusal is final. */
export function createTokenSource(token: SignalingOptions["token"]) {
  let refusals = 0;
  return {
    /**
     * A token for the next connection; undefined where there is none to give.
     *
     * @throws what the application's function throws; Error when it takes over ten seconds
     */
    async fresh(): Promise<string | undefined> {
      if (typeof token !== "function") return token;
      let late: ReturnType<typeof setTimeout> | undefined;
      const tooLate = new Promise<never>((_, reject) => {
        late = setTimeout(() => reject(new Error(`no token within ${tokenWithinMs} ms`)), tokenWithinMs);
      });
      try {
        return await Promise.race([token(), tooLate]);
      } finally {
        clearTimeout(late);
      }
    },
    /** It was good: a later refusal is the first again. */
    accepted(): void {
      refusals = 0;
    },
    /**
     * The token was refused. Returns true if another may be better: a function is asked once more, a fixed token is
     * not.
     */
    refused(): boolean {
      refusals += 1;
      return typeof token === "function" && refusals < 2;
    },
  };
}
