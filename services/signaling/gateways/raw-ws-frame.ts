import { ClientFrame, type ServerFrame } from "../../../common/protocol.ts";

/** A client's frame for the switchboard: the event and its arguments, in Socket.IO's form. */
export interface Incoming {
  event: string;
  args: unknown[];
  /** Requests an ack if set. */
  id: number | undefined;
}

/** Reads a text frame; null if it is not a valid frame. */
export function parseFrame(text: string): Incoming | null {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    // Text that is not JSON is answered like any other invalid frame.
    return null;
  }
  const parsed = ClientFrame.safeParse(json);
  if (!parsed.success) return null;
  const { event, data, id } = parsed.data;
  return { event, args: argumentsOf(event, data), id };
}

/** `join` and `leave` name their room in the data, where Socket.IO has arguments. */
function argumentsOf(event: string, data: unknown): unknown[] {
  if (event !== "join" && event !== "leave") return [data];
  const { roomId, ...options } = (typeof data === "object" && data !== null ? data : {}) as Record<string, unknown>;
  return event === "join" ? [roomId, options] : [roomId];
}

/** The text of a frame to a client. */
export const writeFrame = (frame: ServerFrame): string => JSON.stringify(frame);
