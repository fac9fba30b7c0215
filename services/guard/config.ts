import { z } from "zod";
import { list, programVariables, secret } from "../../common/config.ts";

const entry = /^([^\s=]+):(\d{1,5})=(http:\/\/[^\s/]+)$/;

/** The guard's variables. */
export const schema = z.object({
  LOG_LEVEL: programVariables.LOG_LEVEL,
  GRACE_MS: programVariables.GRACE_MS,
  ADMIN_HOSTNAMES: programVariables.ADMIN_HOSTNAMES,
  GUARDED: list()
    .pipe(z.array(z.string().regex(entry, "must be host:port=http://host:port, comma-separated")).min(1))
    .transform((entries) =>
      entries.map((text) => {
        const [, host = "", port = "", upstream = ""] = entry.exec(text) ?? [];
        return { host, port: Number(port), upstream: new URL(upstream) };
      }),
    )
    .describe("Listener of the guard and the server behind it: 127.0.0.1:9090=http://prometheus:9090"),
  GUARD_PASSWORD: secret(z.string().min(1).optional()).describe(
    "Password of the user `guard` at the server behind it; unset: none",
  ),
});
