import { z } from "zod";
import { list, secret, wholeNumber } from "../../../common/config.ts";

/** The variables of `make token`. */
export const schema = z.object({
  ROOM: list()
    .refine((rooms) => rooms.length > 0, "must name a room, or patterns with *")
    .describe("Rooms that the token opens, comma-separated; * stands for any characters"),
  SUBJECT: z.string().min(1).default("tester").describe("Subject of the token"),
  ROLE: z.enum(["peer", "listener"]).default("peer").describe("A listener offers nothing"),
  TTL_SECONDS: wholeNumber(1, 31_536_000).default(3_600).describe("Validity of the token"),
  JWT_SECRET: secret(z.string().min(16)).describe("Key of the replicas"),
  JWT_AUDIENCE: z.string().optional().describe("Its aud"),
  JWT_ISSUER: z.string().optional().describe("Its iss"),
});
