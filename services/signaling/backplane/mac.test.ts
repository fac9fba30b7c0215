import { createHmac, randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { createMac } from "./mac.ts";

test("the MAC is HMAC-SHA256, for keys and messages of every length", () => {
  for (const keyBytes of [0, 16, 32, 64, 65, 200]) {
    const key = randomBytes(keyBytes);
    const mac = createMac(key);
    for (const length of [0, 1, 55, 64, 2_000, 65_536, 300_000, 3]) {
      const bytes = randomBytes(length);
      for (const name of ["", "room:é", Buffer.from("room:é")])
        expect(mac(bytes, name), `${keyBytes} ${length}`).toEqual(
          createHmac("sha256", key).update(bytes).update(name).digest(),
        );
    }
  }
});
