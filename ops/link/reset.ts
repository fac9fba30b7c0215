import { z } from "zod";
import type { Fault } from "./fault.ts";

const settings = z.strictObject({}).prefault({});

/** Every connection is reset (RST), those that stand and each new one: a middlebox that lost its state. */
export const reset: Fault<typeof settings> = { settings, effect: () => ({ ends: "reset" }) };
