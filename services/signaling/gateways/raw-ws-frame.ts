import { ClientFrame, type ServerFrame } from "../../../common/protocol.ts";

/** A client's frame as the switchboard takes it: the event and its arguments, as Socket.IO would hand them over. */
export interface Incoming {
  event: string;
  args: unknown[];
  /** Asks for an ack where it is set. */
  id: number | undefined;
}

/** Reads a text frame; null when it is no frame of ours. */
export function parseFrame(text: string): Incoming | null {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    // Text that is no JSON is answered like any other frame that is not ours.
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
