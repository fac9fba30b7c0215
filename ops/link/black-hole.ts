import { z } from "zod";
import type { Fault } from "./fault.ts";

const settings = z.strictObject({}).prefault({});

/**
 * A partition as TCP sees it: sockets stay open, no data arrives, no connection is refused. Data in flight arrives
 * late, when the fault is cleared, as a retransmission does.
 */
export const blackHole: Fault<typeof settings> = { settings, effect: () => ({ frozen: true }) };
