import type { Log } from "../common/log.ts";
import type { ProxyConfig } from "./config.ts";
import type { PendingBytes } from "./listen/pending-bytes.ts";
import type { Metrics } from "./metrics.ts";
import type { TryInTurn } from "./routing/attempts.ts";
import type { Sessions } from "./routing/sessions.ts";
import type { Gate } from "./screen/gate.ts";
import type { Tuning } from "./tuning/tuning.ts";

/** Dependencies of the handlers of upgrades and of plain requests. */
export interface HandlerDeps {
  config: ProxyConfig;
  gate: Gate;
  tryInTurn: TryInTurn;
  sessions: Sessions;
  metrics: Metrics;
  pending: PendingBytes;
  log: Log;
  tuning: Tuning;
  /** True once the proxy shuts down. */
  closing(): boolean;
}
