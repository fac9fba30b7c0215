import { z } from "zod";

const entry = { roomId: z.string(), peerId: z.string() };
const memberFields = { ...entry, kind: z.enum(["socketio", "ws"]), since: z.number(), away: z.boolean() };
/** The announced capabilities of a replica. */
const Abilities = z.object({
  /** It takes relays on a channel of its own. */
  addressed: z.boolean(),
});
export type Abilities = z.infer<typeof Abilities>;

/** A replica's messages about its own members. An `ask` must be confirmed. */
export const Gossip = z.discriminatedUnion("type", [
  z.object({
    type: z.literal("joined"),
    node: z.string(),
    incarnation: z.string(),
    ...memberFields,
    resumed: z.boolean(),
    ask: z.number(),
  }),
  z.object({ type: z.literal("away"), node: z.string(), ...entry, reason: z.enum(["disconnected", "draining"]) }),
  z.object({ type: z.literal("left"), node: z.string(), ...entry, reason: z.enum(["left", "timeout", "expired"]) }),
  z.object({
    type: z.literal("snapshot"),
    node: z.string(),
    /** One incarnation of the replica's process. */
    incarnation: z.string(),
    id: z.number(),
    /** Epoch ms of that replica. The message says nothing about later joins. */
    at: z.number(),
    members: z.array(z.object(memberFields)),
    last: z.boolean(),
    abilities: Abilities,
    ask: z.number().optional(),
    /** The ask that it answers. */
    answers: z.number().optional(),
  }),
  /** Only to the replica that asked: its join is known, and these are this replica's members of that room. */
  z.object({
    type: z.literal("confirmed"),
    node: z.string(),
    incarnation: z.string(),
    ask: z.number(),
    roomId: z.string(),
    members: z.array(z.object(memberFields)),
  }),
]);
export type Gossip = z.infer<typeof Gossip>;
