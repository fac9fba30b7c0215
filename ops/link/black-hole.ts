import { z } from "zod";
import type { Fault } from "./fault.ts";

const settings = z.strictObject({}).prefault({});

/**
 * A partition as TCP sees it: sockets stay open, nothing arrives, nothing is refused. What was under way arrives when
 * the fault is cleared, late, as retransmission would bring it.
 */
export const blackHole: Fault<typeof settings> = { settings, effect: () => ({ frozen: true }) };
