import type { SignalingOptions } from "../signaling-contract.ts";

/** Time-out of the application's token function, ms. */
const tokenWithinMs = 10_000;

/** The source of a client's token. It decides whether a refusal is final. */
export function createTokenSource(token: SignalingOptions["token"]) {
  let refusals = 0;
  return {
    /**
     * A token for the next connection; undefined if the application has none.
     *
     * @throws the error of the application's function; Error if it takes over ten seconds
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
    /** The token was accepted, so a later refusal counts as the first. */
    accepted(): void {
      refusals = 0;
    },
    /**
     * The token was refused. Returns true if another may work: a function is called once more, a fixed token is not
     * tried again.
     */
    refused(): boolean {
      refusals += 1;
      return typeof token === "function" && refusals < 2;
    },
  };
}
