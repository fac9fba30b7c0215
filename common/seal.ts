import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from "node:crypto";

/** AES-256-GCM (NIST SP 800-38D): 96-bit nonce, 128-bit tag, both in front of the text. */
const [algorithm, nonceBytes, tagBytes] = ["aes-256-gcm", 12, 16] as const;

const keyOf = (token: string) => Buffer.from(hkdfSync("sha256", token, "", "hold-the-line seal", 32));

/**
 * Encrypts `text` so that only a holder of `token` can read it. Used for the fault of a game day in the trainer's view.
 */
export function seal(text: string, token: string): string {
  const nonce = randomBytes(nonceBytes);
  const cipher = createCipheriv(algorithm, keyOf(token), nonce);
  const sealed = Buffer.concat([cipher.update(text, "utf8"), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), sealed]).toString("base64url");
}

/** @throws Error if it was encrypted with another token, or changed */
export function unseal(sealed: string, token: string): string {
  const bytes = Buffer.from(sealed, "base64url");
  const decipher = createDecipheriv(algorithm, keyOf(token), bytes.subarray(0, nonceBytes));
  decipher.setAuthTag(bytes.subarray(nonceBytes, nonceBytes + tagBytes));
  return decipher.update(bytes.subarray(nonceBytes + tagBytes), undefined, "utf8") + decipher.final("utf8");
}
