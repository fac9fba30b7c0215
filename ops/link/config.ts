import { z } from "zod";
import { list, port, programVariables } from "../../common/config.ts";

const address = z
  .string()
  .regex(/^[^\s:]+:\d+$/, "must be host:port")
  .transform((text) => {
    const [host = "", number] = text.split(":");
    return { host, port: Number(number) };
  });

/** The links' variables. */
export const schema = z.object({
  ...programVariables,
  ADMIN_PORT: port().default(9100).describe("Port of the admin listener"),
  LINKS: list()
    .pipe(
      z.array(z.string().regex(/^[a-z0-9-]+=[^\s:|]+:\d+(\|[^\s:|]+:\d+)?$/, "must be id=host:port|host:port")).min(1),
    )
    .transform((entries) =>
      entries.map((entry) => {
        const [id = "", ways = ""] = entry.split("=");
        const [at, to] = ways.split("|");
        return { id, listen: address.parse(at), upstream: to === undefined ? undefined : address.parse(to) };
      }),
    )
    .describe(
      "Addresses on which the links listen, comma-separated: `signaling-1=127.0.0.1:6391`; another target than UPSTREAM behind a |",
    ),
  UPSTREAM: address.describe("host:port of Redis, the target of every link that names no other"),
});
