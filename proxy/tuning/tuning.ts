import type { Log } from "../../common/log.ts";
import { testedNodeMajor } from "../../common/node-version.ts";
import { type CheapenReset, cheapenReset, checkCheapResets } from "./cheap-resets.ts";
import { checkLateOnread, type ReadInto, readInto } from "./late-onread.ts";
import { checkPlainUpgrade, type ReadPlainUpgrade, readPlainUpgrade } from "./plain-upgrade.ts";
import { checkShortRequests } from "./short-requests.ts";

/** Optimisations that depend on internals of Node. Without them the proxy behaves the same, at a higher cost. */
export interface Tuning {
  /** Reads the first bytes of a connection as a plain WebSocket upgrade; undefined: Node's parser reads them. */
  readPlainUpgrade: ReadPlainUpgrade;
  /** Reads an accepted socket into a given buffer; false: it goes on with `data` events. */
  readInto: ReadInto;
  /** Requests to replicas carry the options alone that they have; false: all that http-proxy sets. */
  shortRequests: boolean;
  /** A reset of this socket leaves an error without a stack; off: one with a stack. */
  cheapenReset: CheapenReset;
}

const off: Tuning = {
  readPlainUpgrade: () => undefined,
  readInto: () => false,
  shortRequests: false,
  cheapenReset: () => undefined,
};

/**
 * Chooses the parts of the tuning that work here. Each is checked first, with bytes through a loopback connection; one
 * that fails is left out, and a log line says so.
 *
 * @param options.wanted `PROXY_TUNING`
 * @param options.nodeVersion as in `process.versions.node`
 * @param options.nodeOptions what this process was started with: the flags of Node and `NODE_OPTIONS`
 */
export async function createTuning(options: {
  wanted: "on" | "off";
  nodeVersion: string;
  nodeOptions: readonly string[];
  log: Log;
}): Promise<Tuning> {
  const { wanted, nodeVersion, nodeOptions, log } = options;
  if (wanted === "off") return off;
  if (Number.parseInt(nodeVersion, 10) !== testedNodeMajor) {
    log.warn(`tuning is off: it was tested on Node ${testedNodeMajor}, this is Node ${nodeVersion}`);
    return off;
  }
  if (!nodeOptions.some((option) => option.startsWith("--max-semi-space-size=")))
    log.info("the young generation is not bounded: start Node with --max-semi-space-size=8 to save memory");
  const works = async (part: string, check: () => Promise<void>): Promise<boolean> => {
    try {
      await check();
      return true;
    } catch (err) {
      log.warn({ err }, `tuning: ${part} does not work here and is off`);
      return false;
    }
  };
  return {
    readPlainUpgrade: (await works("the plain upgrade", checkPlainUpgrade)) ? readPlainUpgrade : off.readPlainUpgrade,
    readInto: (await works("late onread", checkLateOnread)) ? readInto : off.readInto,
    shortRequests: await works("the short request", checkShortRequests),
    cheapenReset: (await works("the cheap reset", checkCheapResets)) ? cheapenReset : off.cheapenReset,
  };
}
