/**
 * Names of the signaling protocol. They are in a file apart from the schemas, so that a page need not load the
 * validator.
 */

/** Socket.IO namespace of the signaling protocol. */
export const NAMESPACE = "/signaling";
/** Engine.IO path. The proxy needs the `/` at its end. */
export const SOCKET_IO_PATH = "/socket.io/";
/** Path of the raw WebSocket variant. */
export const RAW_WS_PATH = "/ws";
/** Subprotocol that the raw WebSocket server selects (`Sec-WebSocket-Protocol: hold-the-line.v1, bearer.<token>`). */
export const RAW_WS_SUBPROTOCOL = "hold-the-line.v1";

/** Events that relay a signal to the other peers of a room, or to the one that `to` names. */
export const RELAYED = ["offer", "answer", "candidate", "bye"] as const;
