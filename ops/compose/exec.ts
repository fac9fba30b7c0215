import { PassThrough } from "node:stream";
import type Docker from "dockerode";

/** Runs a command in a container and yields its standard output. It drops the error output. */
export async function execStream(container: Docker.Container, command: readonly string[]): Promise<PassThrough> {
  const exec = await container.exec({ Cmd: [...command], AttachStdout: true, AttachStderr: true });
  const stream = await exec.start({});
  const output = new PassThrough();
  const errors = new PassThrough().resume();
  container.modem.demuxStream(stream, output, errors);
  stream.on("end", () => output.end());
  stream.on("error", (error: Error) => output.destroy(error));
  output.on("close", () => stream.destroy());
  return output;
}

/** The text of Docker's multiplexed log format: frames of eight bytes of header and a payload. */
export function demultiplex(frames: Buffer): string {
  let text = "";
  for (let at = 0; at + 8 <= frames.length; ) {
    const length = frames.readUInt32BE(at + 4);
    text += frames.toString("utf8", at + 8, at + 8 + length);
    at += 8 + length;
  }
  return text;
}
