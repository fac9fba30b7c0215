import type { Attack } from "./attacker.ts";
import { attachments } from "./attacks/attachments.ts";
import { bodies } from "./attacks/bodies.ts";
import { bursts } from "./attacks/bursts.ts";
import { connects } from "./attacks/connects.ts";
import { events } from "./attacks/events.ts";
import { floods } from "./attacks/floods.ts";
import { frames } from "./attacks/frames.ts";
import { heads } from "./attacks/heads.ts";
import { pipelining } from "./attacks/pipelining.ts";
import { queries } from "./attacks/queries.ts";
import { requests } from "./attacks/requests.ts";
import { rooms } from "./attacks/rooms.ts";
import { sessions } from "./attacks/sessions.ts";
import { slowReaders } from "./attacks/slow-readers.ts";

const kinds: readonly (readonly Attack[])[] = [
  ...[attachments, connects, queries, heads, bodies, pipelining, frames, events, rooms, slowReaders],
  ...[sessions, requests],
];

/** The attacks on the public port, by kind. */
export const attacks: readonly Attack[] = [...kinds.flat(), ...floods, ...bursts];

/** The first attack of each kind: the one that did most harm without its guard. */
export const sharpest: readonly Attack[] = [...kinds, bursts].flatMap((kind) => kind.slice(0, 1));
