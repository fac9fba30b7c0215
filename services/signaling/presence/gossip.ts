import { z } from "zod";

const entry = { roomId: z.string(), peerId: z.string() };
const memberFields = { ...entry, kind: z.enum(["socketio", "ws"]), since: z.number(), away: z.boolean() };
/** What a replica tells the others about its own members. */
export const Gossip = z.discriminatedUnion("type", [
  z.object({ type: z.literal("joined"), node: z.string(), life: z.string(), ...memberFields, resumed: z.boolean() }),
  z.object({ type: z.literal("away"), node: z.string(), ...entry, reason: z.enum(["disconnected", "draining"]) }),
  z.object({ type: z.literal("left"), node: z.string(), ...entry, reason: z.enum(["left", "timeout", "expired"]) }),
  z.object({
    type: z.literal("snapshot"),
    node: z.string(),
    /** One life of the replica's process. */
    life: z.string(),
    id: z.number(),
    members: z.array(z.object(memberFields)),
    last: z.boolean(),
  }),
]);
export type Gossip = z.infer<typeof Gossip>;
