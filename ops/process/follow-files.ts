import { closeSync, openSync, readSync, statSync } from "node:fs";
import { pause } from "../wait/pause.ts";

/** Pause between two looks at the files, ms. */
const lookEveryMs = 200;

/** Passes each new complete line of each file, with the file's key, until `signal` is aborted. */
export async function followFiles(
  paths: ReadonlyMap<string, string>,
  tell: (key: string, line: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const files = [...paths].map(([key, path]) => ({ key, path, offset: statSync(path).size, rest: "" }));
  while (!signal.aborted) {
    for (const file of files) {
      const { size } = statSync(file.path);
      if (size <= file.offset) continue;
      const buffer = Buffer.alloc(size - file.offset);
      const fd = openSync(file.path, "r");
      file.offset += readSync(fd, buffer, 0, buffer.length, file.offset);
      closeSync(fd);
      const lines = (file.rest + buffer.toString("utf8")).split("\n");
      file.rest = lines.pop() ?? "";
      for (const line of lines) tell(file.key, line);
    }
    await pause(lookEveryMs, signal);
  }
}
