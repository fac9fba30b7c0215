import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { enginePeer } from "./engine-peer.ts";
import type { PeerKind } from "./peer-kind.ts";
import { signalingPeer } from "./signaling-peer.ts";
import { websocketPeer } from "./websocket-peer.ts";

const builtIn: Readonly<Record<string, PeerKind>> = {
  signaling: signalingPeer,
  engine: enginePeer,
  websocket: websocketPeer,
};

/**
 * The kind of peer that `PEER` names: one of the built-in ones, or the export `peer` of a file.
 *
 * @throws Error in one line if the name is unknown, or the file exports no `peer` with `capabilities` and `connect`
 */
export async function loadPeerKind(name: string): Promise<PeerKind> {
  const known = builtIn[name];
  if (known !== undefined) return known;
  if (!/[./]/.test(name))
    throw new Error(`PEER=${name}: must be ${Object.keys(builtIn).join(", ")}, or a file such as ./my-peer.ts`);
  const { peer } = (await import(pathToFileURL(resolve(name)).href)) as { peer?: PeerKind };
  if (typeof peer?.connect !== "function" || typeof peer.capabilities?.signals !== "boolean")
    throw new Error(`PEER=${name}: the file must export \`peer\` with capabilities and connect (docs/adopt.md)`);
  return peer;
}
