import { z } from "zod";
import type { Fault } from "./fault.ts";

const settings = z.strictObject({}).prefault({});

/** Connections are closed and new ones refused, as when nothing listens any more. */
export const cut: Fault<typeof settings> = { settings, effect: () => ({ ends: "close", refuses: true }) };
